"""Names of exported receipts."""

from plain_slug import slug


def file_name(shop: str, number: int) -> str:
    """The file for a receipt of a shop."""
    return f"{slug(shop)}-{number:06}.txt"
