"""Finds products by the words of their names."""
