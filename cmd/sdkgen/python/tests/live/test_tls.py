"""A server with a certificate that no system trusts, of the CA in the file CA_BUNDLE."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from chaveiro_sdk import AsyncChaveiro, Chaveiro, NetworkError

CA_BUNDLE = os.environ["CA_BUNDLE"]
OTHER_CA_BUNDLE = os.environ["OTHER_CA_BUNDLE"]


def ask(**options: Any) -> bool:
    with Chaveiro(retries=0, **options) as sdk:
        return bool(sdk.auth.get_scopes().scopes)


async def ask_async(**options: Any) -> bool:
    async with AsyncChaveiro(retries=0, **options) as sdk:
        return bool((await sdk.auth.get_scopes()).scopes)


@pytest.mark.parametrize("options", [{"ca_bundle": CA_BUNDLE}, {"verify": False}])
def test_trusted(options: dict[str, Any]) -> None:
    assert ask(**options)
    assert asyncio.run(ask_async(**options))


@pytest.mark.parametrize("options", [{}, {"ca_bundle": OTHER_CA_BUNDLE}])
def test_not_trusted(options: dict[str, Any]) -> None:
    with pytest.raises(NetworkError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(**options)
    with pytest.raises(NetworkError, match="CERTIFICATE_VERIFY_FAILED"):
        asyncio.run(ask_async(**options))


def test_no_such_bundle() -> None:
    with pytest.raises(FileNotFoundError):
        Chaveiro(ca_bundle=CA_BUNDLE + ".missing")
