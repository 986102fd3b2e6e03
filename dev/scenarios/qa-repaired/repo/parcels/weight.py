"""Price by weight."""

from __future__ import annotations

from .tiers import step

LIMITS_G = (1_000, 2_000, 5_000, 10_000, 31_500)
PRICES = (399, 499, 699, 949, 1_649)


class TooHeavy(ValueError):
    """We do not carry that."""


def price(grams: int) -> int:
    """Cents for a parcel of this weight, before discount."""
    if grams <= 0:
        raise ValueError("a parcel weighs something")
    tier = step(LIMITS_G, grams)
    if tier == len(PRICES):
        raise TooHeavy(f"{grams} g is over {LIMITS_G[-1]} g")
    return PRICES[tier]
