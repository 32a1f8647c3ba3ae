"""Compares the Python SDK with httpx2 alone, on one connection to the same server.

It needs CHAVEIRO_URL and CHAVEIRO_ACCESS_TOKEN, and the number of clients as an argument. It prints
a line of JSON: calls a second of each, pages of 100 a second of each, and the memory in use after a
tenth of an iteration over all clients and at its end.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator

import httpx2
from chaveiro_sdk import Chaveiro

URL, TOKEN = os.environ["CHAVEIRO_URL"], os.environ["CHAVEIRO_ACCESS_TOKEN"]
COUNT = int(sys.argv[1])
PATH = f"{URL}/api/openvpn/clients/site2site"
ROUNDS, SECONDS = 10, 0.5

sdk = Chaveiro(URL, access_token=TOKEN)
bare = httpx2.Client(headers={"Authorization": f"Bearer {TOKEN}"})


def sdk_pages() -> Iterator[None]:
    while True:
        pages = sdk.openvpn.get_clients_site2site_pages(size=100)
        while pages.next() is not None:
            yield


def bare_pages() -> Iterator[None]:
    cursor = 0
    while True:
        answer = json.loads(bare.get(PATH, params={"cursor": cursor, "size": 100}).content)
        cursor = answer["cursor"]["next"] or 0
        yield


def compare(mine: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """Return how often a second each can be called, taking turns."""
    counts, times = [0, 0], [0.0, 0.0]
    mine(), theirs()
    for _ in range(ROUNDS):
        for side, call in enumerate((mine, theirs)):
            started = time.perf_counter()
            while (spent := time.perf_counter() - started) < SECONDS:
                call()
                counts[side] += 1
            times[side] += spent
    return counts[0] / times[0], counts[1] / times[1]


def memory() -> tuple[int, int]:
    early = late = 0
    tracemalloc.start()
    for i, _ in enumerate(sdk.openvpn.get_clients_site2site_pages(size=100), 1):
        if i in (COUNT // 10, COUNT - 1):
            gc.collect()
            early, late = early or tracemalloc.get_traced_memory()[0], tracemalloc.get_traced_memory()[0]
    return early, late


id_of = lambda: random.randint(1, COUNT)  # noqa: E731
calls = compare(
    lambda: sdk.openvpn.get_client_site2site(id_of()), lambda: json.loads(bare.get(f"{PATH}/{id_of()}").content)
)
mine, theirs = sdk_pages(), bare_pages()
pages = compare(lambda: next(mine), lambda: next(theirs))
print(json.dumps({"calls": calls, "pages": pages, "memory": memory()}))
