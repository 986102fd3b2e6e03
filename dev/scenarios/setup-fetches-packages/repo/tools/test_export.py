import unittest

from tools.export import file_name


class FileName(unittest.TestCase):
    def test_shops_with_accents(self):
        self.assertEqual(file_name("Café Müller & Söhne", 42), "cafe-muller-sohne-000042.txt")


if __name__ == "__main__":
    unittest.main()
