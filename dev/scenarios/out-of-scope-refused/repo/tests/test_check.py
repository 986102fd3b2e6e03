import unittest

from uploads.check import Refused, check

MB = 1024 * 1024


class CheckTest(unittest.TestCase):
    def test_takes_files_up_to_25_megabytes(self) -> None:
        check([25 * MB])

    def test_refuses_larger_files_and_says_the_limit(self) -> None:
        with self.assertRaisesRegex(Refused, "25 MB"):
            check([1, 25 * MB + 1])

    def test_refuses_none_and_too_many(self) -> None:
        for sizes in ([], [1] * 21):
            with self.assertRaises(Refused):
                check(sizes)


if __name__ == "__main__":
    unittest.main()
