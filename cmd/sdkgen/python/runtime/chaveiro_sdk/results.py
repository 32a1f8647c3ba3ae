"""The style of the dialect's published SDK: requests and results are objects, and errors of the
server are states of a result. ``chaveiro_sdk.sdk.Sdk`` is made of it.

Requests leave out what is None. A result that is no success has None where the resource would be.
A login that fails raises AuthenticationError; a server that does not answer, NetworkError or
TimeoutError.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ._sync.pages import Pages
from .errors import ChaveiroError, FieldError, NoCredentialError, StatusError
from .page import Page

T = TypeVar("T")
R = TypeVar("R", bound="Response")
P = TypeVar("P", bound="PageResponse[Any]")


class AuthenticationError(ChaveiroError):
    """There is no credential, or the server refused to exchange it for a token."""


class ResponseStatus(enum.Enum):
    """What became of a request."""

    SUCCESS = "success"
    CLIENT_ERROR = "client_error"
    AUTHENTICATION = "authentication"
    PERMISSION_ERROR = "permission_error"
    NOT_FOUND_ERROR = "not_found_error"
    VALIDATION_ERROR = "validation_error"
    SERVER_ERROR = "server_error"


_STATUS = {
    400: ResponseStatus.CLIENT_ERROR,
    401: ResponseStatus.PERMISSION_ERROR,
    403: ResponseStatus.PERMISSION_ERROR,
    404: ResponseStatus.NOT_FOUND_ERROR,
    409: ResponseStatus.VALIDATION_ERROR,
}


class Request:
    """A request: a dataclass whose fields are the arguments of the operation."""

    def to_dict(self) -> dict[str, Any]:
        """Return what is sent: everything that is not None."""
        fields = dataclasses.fields(self)  # type: ignore[arg-type]
        values = {f.name: getattr(self, f.name) for f in fields}
        return {name: value for name, value in values.items() if value is not None}


@dataclass
class Response:
    """A result. ``errors`` is None on success."""

    status: ResponseStatus = ResponseStatus.SUCCESS
    errors: list[FieldError] | None = None

    @property
    def success(self) -> bool:
        """Whether the server did what was asked."""
        return self.status is ResponseStatus.SUCCESS


@dataclass
class PageResponse(Response, Generic[T]):
    """A page as a result. A subclass names its items, as ``clients``."""

    cursor: int = 0


def perform(kind: type[R], name: str, call: Callable[[], Any]) -> R:
    """Make a call, and return its result with the answer under a name; "" without one."""
    try:
        answer = call()
    except StatusError as error:
        return kind(*_failure(error))
    except NoCredentialError as error:
        raise AuthenticationError(error.operation, str(error)) from error
    return kind(**{name: answer}) if name else kind()


def _failure(error: StatusError) -> tuple[ResponseStatus, list[FieldError]]:
    if error.operation == "createToken":
        raise AuthenticationError(error.operation, str(error)) from error
    unlisted = ResponseStatus.SERVER_ERROR if error.status >= 500 else ResponseStatus.CLIENT_ERROR
    return _STATUS.get(error.status, unlisted), error.errors


def plain(items: Sequence[Any]) -> list[dict[str, Any]]:
    """Return objects as the dictionaries that they came as."""
    return [dataclasses.asdict(item) for item in items]


class ResultPages(Generic[P, T]):
    """The pages of a list, with one cursor for ``next``, ``previous`` and the iteration."""

    def __init__(self, kind: type[P], name: str, pages: Pages[T]) -> None:
        self._kind, self._name, self._pages = kind, name, pages

    def has_next(self) -> bool:
        """Whether ``next`` has a page."""
        return self._pages.has_next

    def has_previous(self) -> bool:
        """Whether ``previous`` has a page."""
        return self._pages.has_previous

    def next(self) -> P | None:
        """Read the next page, at first the first one; None after the last."""
        return self._turn(self._pages.next)

    def previous(self) -> P | None:
        """Read the page before the current one; None before the first."""
        return self._turn(self._pages.previous)

    def _turn(self, read: Callable[[], Page[T] | None]) -> P | None:
        try:
            page = read()
        except StatusError as error:
            status, errors = _failure(error)
            cursor = self._pages.page.cursor if self._pages.page else 0
            return self._kind(status=status, errors=errors, cursor=cursor)
        except NoCredentialError as error:
            raise AuthenticationError(error.operation, str(error)) from error
        if page is None:
            return None
        values: dict[str, Any] = {"cursor": page.cursor, self._name: page.items}
        return self._kind(**values)

    def __iter__(self) -> Iterator[T]:
        """Go over the items of this and all later pages. It raises what ``next`` would return."""
        while (page := self._pages.next()) is not None:
            yield from page.items
