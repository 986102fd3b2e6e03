"""Reads what a customer asks for."""

from __future__ import annotations

from dataclasses import dataclass

from .price import RATES

SERVICES = ("standard",)
MAX_KILOGRAMS = 30


class BadRequest(ValueError):
    """The message is for the customer."""


@dataclass(frozen=True)
class Request:
    """A parcel to be sent."""

    country: str
    kilograms: float
    service: str


def parse(line: str) -> Request:
    """Reads `COUNTRY KILOGRAMS SERVICE`."""
    words = line.split()
    if len(words) != 3:
        raise BadRequest("a request is a country, a weight and a service")
    country, weight, service = words
    if country not in RATES:
        raise BadRequest(f"we do not send to {country}")
    try:
        kilograms = float(weight)
    except ValueError:
        raise BadRequest(f"{weight} is not a weight") from None
    if not 0 < kilograms <= MAX_KILOGRAMS:
        raise BadRequest(f"a parcel may weigh up to {MAX_KILOGRAMS} kg")
    if service not in SERVICES:
        raise BadRequest(f"there is no service {service}")
    return Request(country, kilograms, service)
