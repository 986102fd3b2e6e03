"""What a parcel costs, in cents."""

from __future__ import annotations

import math

#: Per country: for every parcel, and for every kilogram begun.
RATES = {"AT": (490, 130), "DE": (450, 130), "FR": (690, 170)}


def price(country: str, kilograms: float, service: str) -> int:
    """The price of a parcel. Country and service are known ones."""
    parcel, per_kilogram = RATES[country]
    return parcel + per_kilogram * math.ceil(kilograms)
