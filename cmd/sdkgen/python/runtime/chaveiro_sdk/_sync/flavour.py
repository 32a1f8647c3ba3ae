"""What threads do otherwise than asyncio. ``_async/flavour.py`` is its counterpart."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

Lock = threading.Lock
sleep = time.sleep


@contextmanager
def limit(seconds: float) -> Iterator[None]:
    """Do nothing: a thread can't be interrupted. Each wait for the network has its own limit."""
    yield
