"""One page of a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class Page(Generic[T]):
    """One page of a list. Cursors are opaque."""

    items: list[T]
    cursor: int
    """The cursor of this page."""
    next: int | None
    """That of the page after it; None: this is the last one."""
    previous: int | None
    """That of the page before it; None: this is the first one."""

    @property
    def has_next(self) -> bool:
        """Whether there is a page after this one."""
        return self.next is not None

    @property
    def has_previous(self) -> bool:
        """Whether there is a page before this one."""
        return self.previous is not None
