"""Takes files from customers."""
