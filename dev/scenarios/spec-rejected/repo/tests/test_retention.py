import unittest
from datetime import date

from newsletter.retention import to_delete
from newsletter.subscribers import Subscriber

TODAY = date(2026, 11, 16)


class RetentionTest(unittest.TestCase):
    def test_keeps_whoever_opened_a_mail_lately(self) -> None:
        reader = Subscriber("ann@example.com", subscribed=date(2019, 1, 1), last_opened=date(2026, 11, 1))
        self.assertEqual(to_delete([reader], TODAY), [])

    def test_deletes_after_two_years_of_silence(self) -> None:
        silent = Subscriber("bo@example.com", subscribed=date(2024, 11, 15))
        self.assertEqual(to_delete([silent], TODAY), [silent])

    def test_deletes_after_thirty_days_of_silence(self) -> None:
        """Proposed with FL-105; fails as long as we keep data for two years."""
        silent = Subscriber("cy@example.com", subscribed=date(2026, 10, 16))
        self.assertEqual(to_delete([silent], TODAY), [silent])


if __name__ == "__main__":
    unittest.main()
