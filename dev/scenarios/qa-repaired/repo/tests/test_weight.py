import unittest

from parcels.weight import TooHeavy, price


class WeightTest(unittest.TestCase):
    def test_inside_the_tiers(self) -> None:
        self.assertEqual([price(g) for g in (1, 1_500, 4_999, 5_001, 20_000)], [399, 499, 699, 949, 1_649])

    def test_a_tier_includes_its_limit(self) -> None:
        self.assertEqual([price(g) for g in (1_000, 2_000, 5_000, 10_000, 31_500)], [399, 499, 699, 949, 1_649])

    def test_refuses_what_we_do_not_carry(self) -> None:
        with self.assertRaises(TooHeavy):
            price(31_501)
        with self.assertRaises(ValueError):
            price(0)


if __name__ == "__main__":
    unittest.main()
