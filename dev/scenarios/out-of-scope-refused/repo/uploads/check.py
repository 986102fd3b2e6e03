"""Decides about an upload before a byte of it is stored."""

from __future__ import annotations

from collections.abc import Sequence

from . import limits


class Refused(ValueError):
    """The upload is not taken; the message is for the customer."""


def check(sizes: Sequence[int]) -> None:
    """Raises `Refused` for files (by size in bytes) that we do not take."""
    if not sizes:
        raise Refused("no file")
    if len(sizes) > limits.MAX_FILES:
        raise Refused(f"at most {limits.MAX_FILES} files at once")
    if any(size > limits.MAX_FILE for size in sizes):
        raise Refused(f"a file may have {limits.MAX_FILE // limits.MEGABYTE} MB at most")
