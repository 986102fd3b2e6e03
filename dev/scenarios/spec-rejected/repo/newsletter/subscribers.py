"""Subscribers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Subscriber:
    """Somebody who gets the newsletter."""

    email: str
    subscribed: date
    last_opened: date | None = None

    @property
    def last_active(self) -> date:
        """The last sign of interest that we have."""
        return self.last_opened or self.subscribed
