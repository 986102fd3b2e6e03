"""Names for files from titles."""

import re
import unicodedata


def slug(title: str) -> str:
    """Lower-case ASCII words with hyphens between them."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))
