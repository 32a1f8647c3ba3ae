"""What a client is made of: options and environment."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .calls import Hook
from .credentials import AccessToken, ApiCredential, Apikey, Password, VaultCredential


@dataclass(slots=True, kw_only=True)
class Config:
    """The options of a client that are the same for all calls. Times are in seconds."""

    url: str
    credential: ApiCredential | None
    vault_credential: VaultCredential | None
    language: str | None
    user_agent: str
    proxy: str | None
    verify: bool | ssl.SSLContext
    connect_timeout: float
    timeout: float
    retries: int
    before: Hook | None
    after: Hook | None
    headers: Callable[[], Mapping[str, str]] | None
    transport: Any


def make_config(
    url: str | None,
    *,
    apikey: str | None,
    username: str | None,
    password: str | None,
    access_token: str | None,
    ca_bundle: str | None,
    verify: bool,
    **rest: Any,
) -> Config:
    """Return the configuration of options. What is missing comes from the environment."""
    url = url or os.environ.get("CHAVEIRO_URL")
    if not url:
        raise ValueError("no url: give one, or set CHAVEIRO_URL")
    return Config(
        url=url.rstrip("/"),
        credential=_credential(apikey, username, password, access_token),
        verify=ssl.create_default_context(cafile=ca_bundle) if ca_bundle else verify,
        **rest,
    )


def _credential(
    apikey: str | None, username: str | None, password: str | None, access_token: str | None
) -> ApiCredential | None:
    if apikey:
        return Apikey(apikey)
    if username is not None or password is not None:
        return Password(username, password)
    if access_token:
        return AccessToken(access_token)
    token = os.environ.get("CHAVEIRO_TOKEN")
    return Apikey(token) if token else None
