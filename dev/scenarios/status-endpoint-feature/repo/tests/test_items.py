import unittest

from inventory.app import App
from inventory.store import Store

from .support import Client


class ItemsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.client = Client(App(Store({"anvil": 3, "paint": 10})))

    def test_lists_items_by_sku(self) -> None:
        status, _, body = self.client.get("/api/items")
        self.assertEqual(status, 200)
        self.assertEqual(body, {"items": [{"sku": "anvil", "level": 3}, {"sku": "paint", "level": 10}]})

    def test_shows_one_item(self) -> None:
        self.assertEqual(self.client.get("/api/items/anvil")[2], {"sku": "anvil", "level": 3})

    def test_adjusts_and_refuses_to_go_below_zero(self) -> None:
        self.assertEqual(self.client.post("/api/items/anvil/adjust", {"by": -2})[2]["level"], 1)
        self.assertEqual(self.client.post("/api/items/anvil/adjust", {"by": -2})[0], 409)
        self.assertEqual(self.client.get("/api/items/anvil")[2]["level"], 1)

    def test_says_what_is_wrong_with_a_body(self) -> None:
        for document in ({}, [], {"by": "2"}, {"by": True}, {"by": 1.5}):
            self.assertEqual(self.client.post("/api/items/anvil/adjust", document)[0], 400, document)
        self.assertEqual(self.client.request("POST", "/api/items/anvil/adjust", b"{")[0], 400)

    def test_unknown_items_and_paths_are_not_found(self) -> None:
        self.assertEqual(self.client.get("/api/items/rope")[0], 404)
        self.assertEqual(self.client.get("/nowhere")[0], 404)

    def test_a_wrong_method_names_the_right_ones(self) -> None:
        status, headers, _ = self.client.request("DELETE", "/api/items/anvil")
        self.assertEqual((status, headers["Allow"]), (405, "GET"))


if __name__ == "__main__":
    unittest.main()
