"""What a proxy before the server does, at PROXY: it is told by a POST to /next."""

from __future__ import annotations

import asyncio
import os
import urllib.request

import pytest
from chaveiro_sdk import AsyncChaveiro, CallOptions, Chaveiro, NetworkError, ServerError, TimeoutError

PROXY = os.environ["PROXY"]


def following(mood: str, count: int) -> None:
    urllib.request.urlopen(urllib.request.Request(f"{PROXY}/next?{mood}={count}", method="POST")).close()


@pytest.fixture(scope="module")
def sdk() -> Chaveiro:
    return Chaveiro(PROXY)


@pytest.fixture(scope="module")
def once() -> Chaveiro:
    return Chaveiro(PROXY, retries=0)


@pytest.mark.parametrize("mood", ["cut", "lost", "html"])
def test_what_is_safe_is_tried_again(sdk: Chaveiro, mood: str) -> None:
    following(mood, 2)
    assert sdk.auth.get_scopes().scopes


@pytest.mark.parametrize("mood", ["cut", "lost", "html"])
def test_a_post_is_done_once(sdk: Chaveiro, mood: str) -> None:
    following(mood, 2)
    made = sdk.auth.create_role(name=f"once {mood}", scopes=[])
    assert [role.id for role in sdk.auth.get_roles_pages() if role.name == made.name] == [made.id]


def test_an_asynchronous_post_is_done_once() -> None:
    async def create() -> int:
        async with AsyncChaveiro(PROXY) as sdk:
            following("lost", 2)
            made = await sdk.auth.create_role(name="once, asynchronously", scopes=[])
            return len([role.id async for role in sdk.auth.get_roles_pages() if role.name == made.name])

    assert asyncio.run(create()) == 1


def test_failures_are_told_apart(sdk: Chaveiro, once: Chaveiro) -> None:
    following("cut", 1)
    with pytest.raises(NetworkError):
        once.auth.get_scopes()
    following("html", 1)
    with pytest.raises(ServerError) as caught:
        once.auth.get_scopes()
    assert caught.value.status == 502 and caught.value.body.startswith(b"<html>") and not caught.value.errors
    following("delayed", 1)
    with pytest.raises(TimeoutError):
        sdk.auth.get_scopes(options=CallOptions(timeout=0.2))
    assert sdk.auth.get_scopes().scopes
