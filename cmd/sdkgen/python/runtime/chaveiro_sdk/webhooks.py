"""Verifies the requests of webhooks, in the form of Standard Webhooks.

``body`` has to be what has arrived, octet by octet: JSON that was read and written again has
another signature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_TOLERANCE = 300.0


class WebhookError(Exception):
    """The request is not one of the webhook.

    A header is missing, its time is too far away, or no signature is good.
    """


@dataclass(slots=True, frozen=True)
class WebhookMessage:
    """What a webhook sends.

    ``id`` is the same in each attempt and replay, so that a receiver can tell what it has done
    already. ``data`` is the event as pages of the stream have it, except in a message of the type
    ``ping``.
    """

    id: str
    type: str
    timestamp: str
    data: dict[str, Any]


def verify_webhook(
    body: bytes | str,
    headers: Mapping[str, str],
    keys: str | Iterable[str],
    *,
    tolerance: float = DEFAULT_TOLERANCE,
    now: float | None = None,
) -> WebhookMessage:
    """Return the message of a request, or raise ``WebhookError``.

    ``keys`` are those that the service has shown, as ``whsec_…``; during a rotation both.
    ``tolerance`` is how many seconds the time of the request may be from now. A key that can't be
    read is a ``ValueError``.
    """
    octets = body.encode() if isinstance(body, str) else body
    sent = {name.lower(): value for name, value in headers.items()}
    message_id, at = sent.get("webhook-id", ""), sent.get("webhook-timestamp", "")
    _check_time(at, tolerance, time.time() if now is None else now)
    signatures = _signatures(sent.get("webhook-signature", ""))
    if not message_id or not signatures:
        raise WebhookError("a header is missing")
    content = f"{message_id}.{at}.".encode() + octets
    good = False
    for key in [keys] if isinstance(keys, str) else keys:
        want = hmac.new(_octets(key), content, hashlib.sha256).digest()
        for signature in signatures:
            good = hmac.compare_digest(want, signature) or good
    if not good:
        raise WebhookError("no signature is good")
    return _message(message_id, octets)


def _check_time(text: str, tolerance: float, now: float) -> None:
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise WebhookError("it has no time")
    if abs(now - int(text)) > tolerance:
        raise WebhookError("it is too old or too new")


def _octets(key: str) -> bytes:
    try:
        octets = base64.b64decode(key.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise ValueError("a key of the webhook is not whsec_ and base64") from error
    if not octets:
        raise ValueError("a key of the webhook is empty")
    return octets


def _signatures(text: str) -> list[bytes]:
    """Read the signatures of version 1; others are left out."""
    found = []
    for one in text.split():
        version, _, encoded = one.partition(",")
        if version != "v1":
            continue
        try:
            found.append(base64.b64decode(encoded, validate=True))
        except binascii.Error:
            continue
    return found


def _message(message_id: str, octets: bytes) -> WebhookMessage:
    try:
        read = json.loads(octets)
    except ValueError as error:
        raise WebhookError("the body is no JSON") from error
    if not isinstance(read, dict):
        raise WebhookError("the body is no object")
    return WebhookMessage(
        message_id, str(read.get("type", "")), str(read.get("timestamp", "")), read.get("data") or {}
    )
