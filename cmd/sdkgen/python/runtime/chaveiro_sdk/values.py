"""Values as they are sent and read: absent ones, dates, enums, files."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timezone
from email.message import Message
from typing import Any, Final, TypeVar

MAX_INTEGER: Final = 2**53 - 1
"""The largest id: what JSON can tell exactly (RFC 8259, section 6)."""


class Unset(enum.Enum):
    """The type of UNSET."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET
"""The value of what is not sent. None is sent, as null; so are "", 0, False and []."""

E = TypeVar("E", bound=enum.Enum)


def read_datetime(text: str) -> datetime:
    """Read a date and time of ISO 8601. Without a zone it is UTC."""
    value = datetime.fromisoformat(text)
    return value if value.tzinfo is not None else value.replace(tzinfo=timezone.utc)


def read_date(text: str) -> date:
    """Read a date of ISO 8601."""
    return date.fromisoformat(text)


def read_enum(kind: type[E], value: str) -> E | str:
    """Read a value of an enum. One that is unknown, of a newer server, stays a text."""
    try:
        return kind(value)
    except ValueError:
        return value


def encode(value: Any) -> Any:
    """Return a value as JSON has it. What is UNSET in objects is left out."""
    if value is None or isinstance(value, (str, bool, float)):
        return value.value if isinstance(value, enum.Enum) else value
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise ValueError(f"{value} is beyond 2^53-1")
        return value
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, enum.Enum):
        return encode(value.value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (f.name for f in dataclasses.fields(value))
        return encode({name: getattr(value, name) for name in names})
    if isinstance(value, Mapping):
        return {name: encode(part) for name, part in value.items() if part is not UNSET}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [encode(part) for part in value]
    raise TypeError(f"{type(value).__name__} can't be sent as JSON")


def encode_text(value: Any) -> str:
    """Return a value of a path, a query or a header."""
    plain = encode(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return str(plain)


@dataclasses.dataclass(slots=True)
class File:
    """An answer that is not JSON."""

    content: bytes = dataclasses.field(repr=False)
    name: str
    """From Content-Disposition (RFC 6266); empty: it has none."""
    media_type: str
    """As application/x-pem-file."""
    headers: Mapping[str, str] = dataclasses.field(repr=False)
    """Among them ETag and Last-Modified where the operation has them. Names in lower case."""
    not_modified: bool = False
    """304: it is the one that the request names, and there is no content."""

    @property
    def text(self) -> str:
        """The content as UTF-8."""
        return self.content.decode()


def file_of(content: bytes, headers: Mapping[str, str], not_modified: bool) -> File:
    """Return the file of an answer."""
    parsed = Message()
    parsed["Content-Type"] = headers.get("content-type", "")
    parsed["Content-Disposition"] = headers.get("content-disposition", "")
    media_type = parsed.get_content_type() if headers.get("content-type") else ""
    return File(content, parsed.get_filename("") or "", media_type, headers, not_modified)
