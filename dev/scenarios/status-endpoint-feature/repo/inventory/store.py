"""Stock levels in memory, safe to use from several threads."""

from __future__ import annotations

import threading


class UnknownItem(KeyError):
    """No item has this SKU."""


class Store:
    """Stock by SKU."""

    def __init__(self, levels: dict[str, int] | None = None) -> None:
        self._lock = threading.Lock()
        self._levels = dict(levels or {})

    def level(self, sku: str) -> int:
        """Pieces in stock."""
        with self._lock:
            try:
                return self._levels[sku]
            except KeyError:
                raise UnknownItem(sku) from None

    def adjust(self, sku: str, by: int) -> int:
        """Adds (or takes, if negative) pieces and returns the new level, which is never below zero."""
        with self._lock:
            if sku not in self._levels:
                raise UnknownItem(sku)
            level = self._levels[sku] + by
            if level < 0:
                raise ValueError(f"{sku}: only {self._levels[sku]} in stock")
            self._levels[sku] = level
            return level

    def items(self) -> list[tuple[str, int]]:
        """Every SKU and its level, ordered by SKU."""
        with self._lock:
            return sorted(self._levels.items())
