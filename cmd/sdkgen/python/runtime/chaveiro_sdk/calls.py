"""What a call is, and the decisions about it that need no network: its request, its retries."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import IO, Any, Literal, TypeAlias
from urllib.parse import quote, urlencode

from .errors import NetworkError, StatusError, TimeoutError
from .values import UNSET, encode, encode_text

Retry: TypeAlias = Literal["never", "safe", "keyed"]
"""Whether a call may be sent again: never, always, or with an Idempotency-Key."""
Content: TypeAlias = bytes | str | IO[bytes]
"""What is uploaded. A text is sent as UTF-8."""

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 8.0


@dataclass(slots=True)
class RawResponse:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class CallOptions:
    """Changes one call. After it, ``response`` is the answer as it came, also one of an error."""

    timeout: float | None = None
    """Seconds in all; None: that of the client."""
    language: str | None = None
    """That of messages: "pt-BR" or "en"."""
    idempotency_key: str | None = None
    """With the same key and body, the server answers for 24 hours as it did the first time."""
    headers: Mapping[str, str] = field(default_factory=dict)
    response: RawResponse | None = None


@dataclass(slots=True)
class Event:
    """A request, as hooks see it. It has no secret, no body and no value of a query."""

    operation: str
    method: str
    path: str
    """With {id}, not the id."""
    attempt: int
    """1 is the first."""
    status: int | None = None
    """None: there was no answer."""
    duration: float = 0.0
    """Seconds."""
    request_id: str = ""
    error: str = ""
    """The name of the class of what prevented an answer."""


Hook: TypeAlias = Callable[[Event], None]


@dataclass(slots=True)
class Call:
    """A call of an operation."""

    operation: str
    method: str
    path: str
    retry: Retry
    args: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, Any] = field(default_factory=dict)
    accept: str = "application/json"
    body: Any = UNSET
    content: Content | None = None
    media_type: str = ""
    vault: bool = False
    open: bool = False
    """It needs no credential."""
    file: bool = False
    """Its answer is a file, and may be 304."""

    def target(self) -> str:
        """Return its path and query. What is None is not in the query."""
        path = self.path
        for name, value in self.args.items():
            text = encode_text(value)
            if text in ("", ".", ".."):  # that would be another path
                raise ValueError(f"{self.operation}: {text!r} is the {name} of nothing")
            path = path.replace("{" + name + "}", quote(text, safe=""))
        query = [(name, encode_text(value)) for name, value in self.query.items() if value is not None]
        separator = "&" if "?" in path else "?"  # a dry run has one
        return f"{path}{separator}{urlencode(query)}" if query else path

    def payload(self) -> bytes | None:
        """Return its body; None without one."""
        if self.body is not UNSET:
            return json.dumps(encode(self.body), ensure_ascii=False, allow_nan=False).encode()
        if self.content is None or isinstance(self.content, bytes):
            return self.content
        return self.content.encode() if isinstance(self.content, str) else self.content.read()

    def all_headers(self, language: str | None, options: CallOptions) -> dict[str, str]:
        """Return its headers without a credential. An Idempotency-Key is the same for all tries."""
        headers = {"Accept": self.accept}
        if self.body is not UNSET:
            headers["Content-Type"] = "application/json"
        elif self.content is not None:
            headers["Content-Type"] = self.media_type
        if options.language or language:
            headers["Accept-Language"] = options.language or language or ""
        if self.retry == "keyed" or options.idempotency_key:
            headers["Idempotency-Key"] = options.idempotency_key or secrets.token_hex(16)
        headers.update((name, encode_text(value)) for name, value in self.headers.items() if value is not None)
        headers.update(options.headers)
        return headers


def pause(call: Call, error: Exception, tries: int, retries: int) -> float | None:
    """Return how many seconds to wait before the next try after ``tries``; None: there is none.

    The server says so itself, or it is random from 0 to a bound that doubles with each try.
    """
    if call.retry == "never" or tries > retries:
        return None
    if isinstance(error, StatusError):
        if error.status not in (429, 502, 503, 504):
            return None
        if error.retry_after is not None:
            return error.retry_after
    elif not isinstance(error, NetworkError) and not (isinstance(error, TimeoutError) and error.connecting):
        return None
    return random.uniform(0, min(FIRST_PAUSE * 2.0 ** min(tries - 1, 8), LONGEST_PAUSE))


def retry_after(text: str | None) -> float | None:
    """Read Retry-After: seconds, or a date (RFC 9110, section 10.2.3). None: neither."""
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return max(0.0, (at - datetime.now(timezone.utc)).total_seconds())
