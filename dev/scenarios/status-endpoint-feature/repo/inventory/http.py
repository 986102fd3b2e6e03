"""The few pieces of HTTP that the application needs: requests, responses, routes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

MAX_BODY = 64 * 1024


class BadRequest(ValueError):
    """The request cannot be understood; the message is for the client."""


@dataclass(frozen=True)
class Request:
    """A request, reduced to what handlers use."""

    method: str
    path: str
    body: bytes = b""
    params: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            raise BadRequest("the body is not JSON") from None


@dataclass(frozen=True)
class Response:
    """A JSON response."""

    status: HTTPStatus
    body: Any
    headers: tuple[tuple[str, str], ...] = ()

    def encode(self) -> bytes:
        return json.dumps(self.body, sort_keys=True).encode()


Handler = Callable[[Request], Response]


class Router:
    """Maps a method and a path template such as `/api/items/{sku}` to a handler."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, str, re.Pattern[str], Handler]] = []

    def add(self, method: str, template: str, handler: Handler) -> None:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template))
        self._routes.append((method, template, re.compile(pattern), handler))

    def routes(self) -> set[tuple[str, str]]:
        """Every (method, template)."""
        return {(method, template) for method, template, _, _ in self._routes}

    def dispatch(self, request: Request) -> Response:
        allowed = []
        for method, _, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match is None:
                continue
            if method == request.method:
                return handler(Request(request.method, request.path, request.body, match.groupdict()))
            allowed.append(method)
        if allowed:
            return Response(HTTPStatus.METHOD_NOT_ALLOWED, {"error": "method not allowed"}, (("Allow", ", ".join(sorted(allowed))),))
        return Response(HTTPStatus.NOT_FOUND, {"error": "not found"})
