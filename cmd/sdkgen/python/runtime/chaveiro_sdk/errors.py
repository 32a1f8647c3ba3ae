"""The errors of calls, one class a family.

``StatusError`` and its subclasses are answers of the server. ``NetworkError``, ``TimeoutError`` and
``DecodeError`` tell apart that there was none, that it took too long, and that it can't be read.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class FieldError:
    """One thing that is wrong with a request.

    ``field`` is its path, as ``roles[0]``; empty when it is about the whole. ``type`` is one of
    required, invalid, duplicated, not_found, rule; a newer server may have more. ``msg`` is a text
    for people, in the language of the call.
    """

    field: str
    type: str
    msg: str


@dataclass(slots=True)
class VaultException:
    """What the vault's dialect says of an error: a number and a text."""

    code: int
    message: str


class ChaveiroError(Exception):
    """What all errors of calls have in common. ``operation`` is the operationId."""

    def __init__(self, operation: str, message: str) -> None:
        super().__init__(f"{operation}: {message}" if operation else message)
        self.operation = operation


class NoCredentialError(ChaveiroError):
    """The operation needs a credential, and the client has none. Nothing was sent."""


class NetworkError(ChaveiroError, ConnectionError):
    """There was no answer: no connection, or one that was cut."""


class TimeoutError(ChaveiroError, builtins.TimeoutError):
    """There was no answer in time. ``connecting``: not even a connection."""

    def __init__(self, operation: str, message: str, *, connecting: bool = False) -> None:
        super().__init__(operation, message)
        self.connecting = connecting


class DecodeError(ChaveiroError, ValueError):
    """The answer is a success, but not the JSON that the operation has."""

    def __init__(self, operation: str, message: str, status: int, request_id: str, body: bytes) -> None:
        super().__init__(operation, message)
        self.status, self.request_id, self.body = status, request_id, body


class StatusError(ChaveiroError):
    """The server answered with an error.

    ``retry_after`` is how many seconds it asks to wait; None: it does not. ``errors`` is empty, and
    ``exception`` None, when the answer has no such part.
    """

    def __init__(
        self,
        operation: str,
        status: int,
        *,
        request_id: str = "",
        errors: list[FieldError] | None = None,
        exception: VaultException | None = None,
        retry_after: float | None = None,
        body: bytes = b"",
    ) -> None:
        self.status, self.request_id, self.body = status, request_id, body
        self.errors = errors or []
        self.exception, self.retry_after = exception, retry_after
        super().__init__(operation, self._describe())

    def _describe(self) -> str:
        texts = [f"{e.field}: {e.msg} ({e.type})" if e.field else f"{e.msg} ({e.type})" for e in self.errors]
        if self.exception is not None:
            texts.append(f"{self.exception.code} {self.exception.message.removeprefix(f'{self.exception.code}: ')}")
        text = f"status {self.status}"
        if texts:
            text += ": " + "; ".join(texts)
        return f"{text} [request {self.request_id}]" if self.request_id else text


class BadRequestError(StatusError):
    """400: the request is malformed."""


class UnauthorizedError(StatusError):
    """401: no credential, or one that is invalid or has ended."""


class ForbiddenError(StatusError):
    """403: the credential does not have the right."""


class NotFoundError(StatusError):
    """404: there is no such resource."""


class ConflictError(StatusError):
    """409: fields are not acceptable, or a rule forbids it. ``errors`` says which."""


class RateLimitedError(StatusError):
    """429: too many requests."""


class ServerError(StatusError):
    """5xx: the server failed, or what is in front of it."""


_FAMILIES: dict[int, type[StatusError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    429: RateLimitedError,
}


def status_error(
    operation: str, status: int, request_id: str, retry_after: float | None, body: bytes, data: Any
) -> StatusError:
    """Return the error of an answer. ``data`` is its body as JSON; None when it is none."""
    kind = _FAMILIES.get(status, ServerError if status >= 500 else StatusError)
    return kind(
        operation,
        status,
        request_id=request_id,
        errors=_field_errors(data),
        exception=_exception(data),
        retry_after=retry_after,
        body=body,
    )


def _field_errors(data: Any) -> list[FieldError]:
    listed = data.get("errors") if isinstance(data, Mapping) else None
    if not isinstance(listed, list):
        return []
    return [
        FieldError(str(e.get("field") or ""), str(e.get("type") or ""), str(e.get("msg") or ""))
        for e in listed
        if isinstance(e, Mapping)
    ]


def _exception(data: Any) -> VaultException | None:
    found = data.get("exception") if isinstance(data, Mapping) else None
    if not isinstance(found, Mapping) or not isinstance(found.get("code"), int):
        return None
    return VaultException(found["code"], str(found.get("message") or ""))
