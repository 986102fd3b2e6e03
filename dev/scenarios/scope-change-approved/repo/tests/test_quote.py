import unittest

from quotes import BadRequest, quote


class QuoteTest(unittest.TestCase):
    def test_standard(self) -> None:
        self.assertEqual(quote("DE 2.5 standard"), "DE 2.5 kg standard: 8.40")
        self.assertEqual(quote("FR 1 standard"), "FR 1 kg standard: 8.60")

    def test_express_costs_twice_as_much(self) -> None:
        self.assertEqual(quote("DE 2.5 express"), "DE 2.5 kg express: 16.80")

    def test_express_costs_at_least_twelve(self) -> None:
        self.assertEqual(quote("DE 0.5 express"), "DE 0.5 kg express: 12.00")

    def test_what_nobody_offers_is_refused(self) -> None:
        for line in ("DE 2.5 pigeon", "XX 1 standard", "DE 31 standard", "DE x standard", "DE"):
            with self.assertRaises(BadRequest):
                quote(line)


if __name__ == "__main__":
    unittest.main()
