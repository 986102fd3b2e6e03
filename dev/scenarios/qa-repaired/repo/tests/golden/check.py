"""Compares the program with the quotes that customers have in writing."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from parcels.quote import quote  # noqa: E402


def main() -> int:
    wrong = 0
    with (HERE / "quotes.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            grams, monthly, promised = (int(row[name]) for name in ("grams", "parcels_a_month", "cents"))
            now = quote(grams, monthly)
            if now != promised:
                wrong += 1
                print(f"{grams} g, {monthly} a month: promised {promised}, now {now}")
    print("every quote holds" if wrong == 0 else f"{wrong} quotes changed")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
