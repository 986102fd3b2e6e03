"""A client that calls the application through WSGI, as a server would."""

from __future__ import annotations

import io
import json
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

from inventory.app import App


class Client:
    """Calls an application and checks on the way that it keeps to the WSGI specification."""

    def __init__(self, app: App) -> None:
        self._app = validator(app)

    def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, dict[str, str], Any]:
        """Status, headers and decoded body of the response."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        setup_testing_defaults(environ)
        started: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started.update(status=int(status.split()[0]), headers=dict(headers))
            return lambda data: None

        chunks = self._app(environ, start_response)
        try:
            content = b"".join(chunks)
        finally:
            chunks.close()
        return started["status"], started["headers"], json.loads(content)

    def get(self, path: str) -> tuple[int, dict[str, str], Any]:
        return self.request("GET", path)

    def post(self, path: str, document: Any) -> tuple[int, dict[str, str], Any]:
        return self.request("POST", path, json.dumps(document).encode())
