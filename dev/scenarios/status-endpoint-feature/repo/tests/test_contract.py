"""What docs/openapi.json promises is served, and what is served is promised."""

import json
import unittest
from pathlib import Path

from inventory import __version__
from inventory.app import App
from inventory.store import Store

CONTRACT = json.loads((Path(__file__).parent.parent / "docs" / "openapi.json").read_text(encoding="utf-8"))


class ContractTest(unittest.TestCase):
    def test_routes_and_contract_agree(self) -> None:
        promised = {(method.upper(), path) for path, methods in CONTRACT["paths"].items() for method in methods}
        self.assertEqual(App(Store()).router.routes(), promised)

    def test_versions_agree(self) -> None:
        self.assertEqual(CONTRACT["info"]["version"], __version__)


if __name__ == "__main__":
    unittest.main()
