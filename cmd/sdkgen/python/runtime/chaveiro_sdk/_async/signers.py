"""The one place that puts a credential on a request."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import httpx2

from ..calls import Call
from ..credentials import AccessToken, Apikey, ClientCredentials, Credential, OAuth1, Password
from ..errors import UnauthorizedError
from .flavour import AsyncLock

RENEWAL_MARGIN = 30.0
"""How many seconds before its end a token is renewed; of a short life it is a tenth."""


class AsyncSigner(Protocol):
    """A credential at work."""

    async def sign(self, request: httpx2.Request) -> None:
        """Sign a request before it is sent."""
        ...

    async def refused(self, request: httpx2.Request) -> bool:
        """Take note that a request was answered with 401. True: signing anew may help."""
        ...


def signer_of(
    credential: Credential | None, exchange: Callable[[Call], Awaitable[Mapping[str, Any]]]
) -> AsyncSigner | None:
    """Return who signs with a credential; None without one."""
    match credential:
        case None:
            return None
        case AccessToken():
            return AsyncFixed(credential.token)
        case OAuth1():
            return AsyncOAuth1Signer(credential)
        case _:
            return AsyncTokens(credential, exchange)


class AsyncFixed:
    """Signs with an access token that is not renewed."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def sign(self, request: httpx2.Request) -> None:
        request.headers["Authorization"] = f"Bearer {self._token}"

    async def refused(self, request: httpx2.Request) -> bool:
        return False


class AsyncOAuth1Signer:
    """Signs with OAuth 1.0."""

    def __init__(self, credential: OAuth1) -> None:
        self._credential = credential

    async def sign(self, request: httpx2.Request) -> None:
        request.headers["Authorization"] = self._credential.header(request.method, str(request.url))

    async def refused(self, request: httpx2.Request) -> bool:
        return True  # the nonce may have been used up by a try whose answer was lost


class AsyncTokens:
    """Exchanges a credential for access tokens: one exchange at a time, however many callers."""

    def __init__(
        self,
        credential: Apikey | Password | ClientCredentials,
        exchange: Callable[[Call], Awaitable[Mapping[str, Any]]],
    ) -> None:
        self._credential, self._exchange = credential, exchange
        self._lock = AsyncLock()
        self._access, self._renewal = "", 0.0
        self._refresh = ""  # of a session; empty: it has not begun

    async def sign(self, request: httpx2.Request) -> None:
        async with self._lock:
            if not self._access or time.monotonic() >= self._renewal:
                await self._renew()
            request.headers["Authorization"] = f"Bearer {self._access}"

    async def refused(self, request: httpx2.Request) -> bool:
        async with self._lock:
            # Another caller may have renewed it meanwhile.
            if request.headers.get("Authorization") == f"Bearer {self._access}":
                self._access = ""
        return True

    async def _renew(self) -> None:
        asked = time.monotonic()
        try:
            answer = await self._exchange(self._call())
        except UnauthorizedError:
            if not self._refresh:
                raise
            self._refresh = ""  # the session has ended, and another begins
            answer = await self._exchange(self._call())
        self._access, life = str(answer["access_token"]), float(answer["expires_in"])
        if isinstance(self._credential, Password):
            self._refresh = str(answer.get("refresh_token") or "")
        self._renewal = asked + life - min(RENEWAL_MARGIN, life / 10)

    def _call(self) -> Call:
        """Return the exchange. It is tried again like a GET: an unseen token harms nobody."""
        vault = isinstance(self._credential, ClientCredentials)
        path = "/iso/oauth2/token" if vault else "/api/oauth2/token"
        return Call("createToken", "POST", path, "safe", body=self._grant(), vault=vault, open=True)

    def _grant(self) -> dict[str, str | None]:
        match self._credential:
            case Apikey(token):
                return {"grant_type": "refresh_token", "refresh_token": token}
            case ClientCredentials(client_id, secret):
                return {
                    "grant_type": "client_credentials",
                    "client_id": client_id,
                    "client_secret": secret,
                }
            case Password(username, password):
                if self._refresh:
                    return {"grant_type": "refresh_token", "refresh_token": self._refresh}
                return {"grant_type": "password", "username": username, "password": password}
