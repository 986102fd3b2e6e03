"""For how long data of subscribers is kept."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from .subscribers import Subscriber

KEEP_INACTIVE = timedelta(days=730)


def to_delete(subscribers: Iterable[Subscriber], today: date) -> list[Subscriber]:
    """Subscribers whose data must go: inactive for longer than we may keep it."""
    return [s for s in subscribers if today - s.last_active > KEEP_INACTIVE]
