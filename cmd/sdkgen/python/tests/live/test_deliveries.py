"""What a server sends to a webhook is verified, also while its key is rotated."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from chaveiro_sdk import Chaveiro, WebhookError, verify_webhook

Arrived = tuple[bytes, dict[str, str]]


@pytest.fixture
def arrived() -> Iterator[tuple[str, queue.Queue[Arrived]]]:
    """An endpoint on loopback: its address, and what arrives there."""
    requests: queue.Queue[Arrived] = queue.Queue()

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            requests.put((body, dict(self.headers.items())))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", requests
    server.shutdown()


def test_deliveries(arrived: tuple[str, queue.Queue[Arrived]]) -> None:
    url, requests = arrived
    sdk = Chaveiro()
    hook = sdk.events.create_webhook(name="sdk", url=url, types=["role.created"])
    assert sdk.events.test_webhook(hook.id).delivered
    ping = verify_webhook(*requests.get(timeout=20), hook.key)
    assert ping.type == "ping"
    role = sdk.auth.create_role(name="first", scopes=[])
    body, headers = requests.get(timeout=20)
    event = verify_webhook(body, headers, [hook.key])
    assert event.type == "role.created" and event.data["resource_id"] == role.id
    with pytest.raises(WebhookError):
        verify_webhook(body + b" ", headers, hook.key)
    with pytest.raises(WebhookError):
        verify_webhook(body, headers, hook.key, now=time.time() + 301)
    rotated = sdk.events.rotate_webhook(hook.id)
    for attempt in range(100):
        sdk.auth.create_role(name=f"again {attempt}", scopes=[])
        body, headers = requests.get(timeout=20)
        verify_webhook(body, headers, hook.key)
        if " " in headers["webhook-signature"]:
            break
    verify_webhook(body, headers, rotated.key)
