"""The application: routes, handlers and the WSGI entry point."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from .http import MAX_BODY, BadRequest, Request, Response, Router
from .store import Store, UnknownItem


class App:
    """A WSGI application over a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.router = Router()
        self.router.add("GET", "/api/items", self._list)
        self.router.add("GET", "/api/items/{sku}", self._show)
        self.router.add("POST", "/api/items/{sku}/adjust", self._adjust)

    def handle(self, request: Request) -> Response:
        """Answers a request; never raises for what a client can cause."""
        try:
            return self.router.dispatch(request)
        except UnknownItem as unknown:
            return Response(HTTPStatus.NOT_FOUND, {"error": f"no item {unknown.args[0]}"})
        except BadRequest as bad:
            return Response(HTTPStatus.BAD_REQUEST, {"error": str(bad)})

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length = min(int(environ.get("CONTENT_LENGTH") or 0), MAX_BODY)
        request = Request(environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/"), environ["wsgi.input"].read(length))
        response = self.handle(request)
        body = response.encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *response.headers]
        start_response(f"{response.status.value} {response.status.phrase}", headers)
        return [body]

    def _list(self, _: Request) -> Response:
        return Response(HTTPStatus.OK, {"items": [{"sku": sku, "level": level} for sku, level in self._store.items()]})

    def _show(self, request: Request) -> Response:
        sku = request.params["sku"]
        return Response(HTTPStatus.OK, {"sku": sku, "level": self._store.level(sku)})

    def _adjust(self, request: Request) -> Response:
        document = request.json()
        by = document.get("by") if isinstance(document, dict) else None
        if not isinstance(by, int) or isinstance(by, bool):
            raise BadRequest("`by` must be a whole number")
        sku = request.params["sku"]
        try:
            return Response(HTTPStatus.OK, {"sku": sku, "level": self._store.adjust(sku, by)})
        except ValueError as refused:
            return Response(HTTPStatus.CONFLICT, {"error": str(refused)})
