"""The price that a customer is told."""

from __future__ import annotations

from . import discount, weight


def quote(grams: int, parcels_a_month: int) -> int:
    """Cents for one parcel, discount taken off, rounded down."""
    return weight.price(grams) * (100 - discount.percent(parcels_a_month)) // 100
