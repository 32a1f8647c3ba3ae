"""The pages of a list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Generic, TypeVar

from ..page import Page

T = TypeVar("T")


class AsyncPages(Generic[T]):
    """The pages of a list. Nothing is requested before it is asked for.

    Iterating goes over the items of all pages from the first one, reads each page when it comes to
    it, and leaves ``next`` and ``previous`` where they are. An error ends it. Items that come or go
    meanwhile are met or not, but none is met twice.
    """

    def __init__(self, fetch: Callable[[int], Awaitable[Page[T]]], first: int) -> None:
        self._fetch, self._first = fetch, first
        self.page: Page[T] | None = None
        """The page that was read last; None before the first."""

    @property
    def has_next(self) -> bool:
        """Whether ``next`` has a page."""
        return self.page is None or self.page.has_next

    @property
    def has_previous(self) -> bool:
        """Whether ``previous`` has a page."""
        return self.page is not None and self.page.has_previous

    async def next(self) -> Page[T] | None:
        """Read the first page, then the one after that which was read last; None after the last.

        After an error the same page can be asked for again.
        """
        if self.page is None:
            return await self._turn(self._first)
        return None if self.page.next is None else await self._turn(self.page.next)

    async def previous(self) -> Page[T] | None:
        """Read the page before that which was read last; None before the first."""
        if self.page is None or self.page.previous is None:
            return None
        return await self._turn(self.page.previous)

    async def _turn(self, cursor: int) -> Page[T]:
        self.page = await self._fetch(cursor)
        return self.page

    async def __aiter__(self) -> AsyncIterator[T]:
        cursor: int | None = self._first
        while cursor is not None:
            page = await self._fetch(cursor)
            for item in page.items:
                yield item
            if page.next == cursor:
                raise ValueError(f"the page after {cursor} is itself")
            cursor = page.next
