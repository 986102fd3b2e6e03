"""Serves the application with the standard library's WSGI server."""

from __future__ import annotations

import argparse
from wsgiref.simple_server import make_server

from .app import App
from .store import Store


def main() -> None:
    parser = argparse.ArgumentParser(prog="inventory", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    store = Store({"anvil-10kg": 12, "rocket-skates": 4, "tunnel-paint": 30})
    with make_server(arguments.host, arguments.port, App(store)) as server:
        print(f"inventory listens on http://{arguments.host}:{server.server_port}")
        server.serve_forever()


if __name__ == "__main__":
    main()
