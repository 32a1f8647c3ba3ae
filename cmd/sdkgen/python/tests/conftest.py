"""A small HTTP server that answers what a test tells it to, and notes what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    status: int = 200
    data: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    wait: float = 0.0
    cut: bool = False  # the connection is closed without an answer


class Server:
    """Answers in the order of ``answers``; the last one is repeated. ``token`` has its own."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: list[Answer] = []
        self.tokens = 0
        self.expires_in = 900
        self.token_status = 200
        self.route: Callable[[Asked], Answer | None] = lambda asked: None
        self.gone = threading.Event()  # ends answers that wait
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                names = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, names, self.rfile.read(length))
                answer = server.choose(asked)
                server.gone.wait(answer.wait)
                if answer.cut:
                    self.close_connection = True
                    return
                body = answer.raw if answer.raw is not None else json.dumps(answer.data).encode()
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *arguments: Any) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients hang up
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._lock = threading.Lock()
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def choose(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            if asked.path.endswith("/oauth2/token"):
                if self.token_status != 200:
                    return Answer(self.token_status, {"errors": []})
                self.tokens += 1
                data = {
                    "access_token": f"access-{self.tokens}",
                    "refresh_token": f"refresh-{self.tokens}",
                    "expires_in": self.expires_in,
                }
                return Answer(data=data)
            if (routed := self.route(asked)) is not None:
                return routed
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def calls(self) -> list[Asked]:
        """What was asked besides tokens."""
        return [a for a in self.asked if not a.path.endswith("/oauth2/token")]

    def close(self) -> None:
        self.gone.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Pauses between tries are short, and the environment says nothing, but for the live tests."""
    if request.path.parent.name == "live":
        return
    monkeypatch.setattr("chaveiro_sdk.calls.FIRST_PAUSE", 0.01)
    for name in ("CHAVEIRO_URL", "CHAVEIRO_TOKEN", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def ca(id: int = 1, **changed: Any) -> dict[str, Any]:
    """A CA as a server answers it."""
    texts = ("name", "description", "country", "province", "city", "organization", "sector", "email")
    dates = ("expiry_date", "created_at", "updated_at")
    none = ("parent_id", "predecessor_id", "successor_id", "renewed_at")
    data: dict[str, Any] = {"id": id, "key_algorithm": "ecdsa-p256", "key_uri": None, "expires_in_days": 90, "expires_soon": True}
    data |= dict.fromkeys(none)
    data |= dict.fromkeys(texts, "x") | dict.fromkeys(dates, "2017-10-05T12:20:02.932000+00:00")
    return data | changed


def page(items: list[dict[str, Any]], current: int, next: int | None, previous: int | None) -> Answer:
    """A page of CAs."""
    return Answer(data={"cas": items, "cursor": {"current": current, "next": next, "previous": previous}})
