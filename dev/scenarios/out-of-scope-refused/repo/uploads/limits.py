"""How much we take."""

MEGABYTE = 1024 * 1024

MAX_FILE = 10 * MEGABYTE
MAX_FILES = 20
