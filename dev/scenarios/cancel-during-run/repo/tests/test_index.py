import unittest

from search.index import Index


class IndexTest(unittest.TestCase):
    def setUp(self) -> None:
        self.index = Index()
        self.index.add("p1", "Rocket skates, red")
        self.index.add("p2", "Rocket fuel")
        self.index.add("p3", "Crème brûlée torch")

    def test_finds_by_every_word(self) -> None:
        self.assertEqual(self.index.find("rocket"), ["p1", "p2"])
        self.assertEqual(self.index.find("RED rocket"), ["p1"])
        self.assertEqual(self.index.find("rocket anvil"), [])
        self.assertEqual(self.index.find(" "), [])

    def test_finds_without_accents(self) -> None:
        self.assertEqual(self.index.find("creme brulee"), ["p3"])
        self.assertEqual(self.index.find("crème"), ["p3"])


if __name__ == "__main__":
    unittest.main()
