"""What asyncio does otherwise than threads. ``_sync/flavour.py`` is its counterpart."""

from __future__ import annotations

import asyncio

AsyncLock = asyncio.Lock
sleep = asyncio.sleep
limit = asyncio.timeout
