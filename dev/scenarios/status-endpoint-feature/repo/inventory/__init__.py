"""Stock levels of the Acme warehouses over HTTP."""

__version__ = "1.4.0"
