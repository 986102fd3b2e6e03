"""The index."""

from __future__ import annotations

from collections import defaultdict

from .words import words


class Index:
    """Products by word."""

    def __init__(self) -> None:
        self._products: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, product: str, name: str) -> None:
        """Makes a product findable by the words of its name."""
        for word in words(name):
            self._products[word].add(product)

    def find(self, query: str) -> list[str]:
        """Products whose names have all words of the query, ordered."""
        sets = [self._products.get(word, set()) for word in words(query)]
        return sorted(set.intersection(*sets)) if sets else []
