"""Values that go up in steps."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence


def step(limits: Sequence[int], value: int) -> int:
    """The number of the step on which a value is: how many limits it has reached."""
    return bisect_right(limits, value)
