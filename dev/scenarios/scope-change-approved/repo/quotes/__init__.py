"""Says what a parcel costs."""

from .price import price
from .request import BadRequest, parse

__all__ = ["BadRequest", "quote"]


def quote(line: str) -> str:
    """Answers one request. Raises `BadRequest` with words for the customer."""
    request = parse(line)
    cost = price(request.country, request.kilograms, request.service)
    return f"{request.country} {request.kilograms:g} kg {request.service}: {cost / 100:.2f}"
