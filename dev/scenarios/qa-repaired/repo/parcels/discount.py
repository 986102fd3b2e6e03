"""Discount by parcels a month."""

from __future__ import annotations

from .tiers import step

FROM_PARCELS = (10, 100, 1_000)
PERCENT = (0, 3, 8, 15)


def percent(parcels_a_month: int) -> int:
    """Percent off for somebody who sends that many."""
    return PERCENT[step(FROM_PARCELS, parcels_a_month)]
