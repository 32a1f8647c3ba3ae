"""Sends calls: signs, waits, tries again, and reads the answers."""

from __future__ import annotations

import builtins
import json
import time
from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, TypeVar

import httpx2

from ..calls import Call, CallOptions, Event, RawResponse, pause, retry_after
from ..config import Config
from ..errors import (
    DecodeError,
    NetworkError,
    NoCredentialError,
    StatusError,
    TimeoutError,
    UnauthorizedError,
    status_error,
)
from ..values import File, file_of
from .flavour import limit, sleep
from .signers import AsyncSigner, signer_of

T = TypeVar("T")


class AsyncTransport:
    """The connections of a client, and its credentials."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._http = httpx2.AsyncClient(
            verify=config.verify,
            proxy=config.proxy,
            transport=config.transport,
            # The token is in a header. Cookies would be a second credential.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )
        names = ("Accept-Encoding", "Connection")
        self._headers = {name: self._http.headers[name] for name in names}
        self._headers["User-Agent"] = config.user_agent
        self._api = signer_of(config.credential, self._granted)
        self._vault = signer_of(config.vault_credential, self._granted)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def json(self, call: Call, read: Callable[[Any], T], options: CallOptions | None = None) -> T:
        """Call an operation whose answer is JSON, and read it."""
        response = await self._run(call, options)
        try:
            return read(json.loads(response.body))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            text = f"the answer can't be read: {type(error).__name__}: {error}"
            request_id = response.headers.get("x-request-id", "")
            raise DecodeError(call.operation, text, response.status, request_id, response.body) from error

    async def empty(self, call: Call, options: CallOptions | None = None) -> None:
        """Call an operation whose answer has no body. One is ignored."""
        await self._run(call, options)

    async def file(self, call: Call, options: CallOptions | None = None) -> File:
        """Call an operation whose answer is a file."""
        response = await self._run(call, options)
        return file_of(response.body, response.headers, response.status == 304)

    async def _granted(self, call: Call) -> Mapping[str, Any]:
        return await self.json(call, dict)

    def _signer(self, call: Call) -> AsyncSigner | None:
        if call.open:
            return None
        signer = self._vault if call.vault else self._api
        if signer is None:
            what = "vault_credential" if call.vault else "apikey, or username and password"
            raise NoCredentialError(call.operation, f"no credential: give the client {what}")
        return signer

    async def _run(self, call: Call, options: CallOptions | None) -> RawResponse:
        options = options or CallOptions()
        timeout = self.config.timeout if options.timeout is None else options.timeout
        deadline = time.monotonic() + timeout
        try:
            async with limit(timeout):
                return await self._tries(call, options, deadline)
        except (TimeoutError, NetworkError):
            raise
        except builtins.TimeoutError as error:
            raise TimeoutError(call.operation, f"no answer within {timeout:g} s") from error

    async def _tries(self, call: Call, options: CallOptions, deadline: float) -> RawResponse:
        signer, content = self._signer(call), call.payload()
        added = dict(self.config.headers()) if self.config.headers else {}
        headers = self._headers | added | call.all_headers(self.config.language, options)
        url = self.config.url + call.target()
        tries, renewals = 0, 0
        while True:
            tries += 1
            request = httpx2.Request(call.method, url, headers=headers, content=content)
            if signer is not None:
                await signer.sign(request)
            try:
                return await self._exchange(call, request, options, tries, deadline)
            except UnauthorizedError as error:
                if signer is None or renewals or error.retry_after or not await signer.refused(request):
                    raise
                renewals = 1
            except (NetworkError, TimeoutError, StatusError) as error:
                wait = pause(call, error, tries - renewals, self.config.retries)
                if wait is None or time.monotonic() + wait >= deadline:
                    raise
                await sleep(wait)

    async def _exchange(
        self, call: Call, request: httpx2.Request, options: CallOptions, tries: int, deadline: float
    ) -> RawResponse:
        """Send a request once, tell the hooks, and raise what is no success."""
        event = Event(call.operation, call.method, call.path, tries)
        if self.config.before is not None:
            self.config.before(event)
        started = time.monotonic()
        try:
            response = await self._send(call, request, deadline)
            event.status = response.status
            event.request_id = response.headers.get("x-request-id", "")
        except BaseException as error:
            event.error = type(error).__name__
            raise
        finally:
            event.duration = time.monotonic() - started
            if self.config.after is not None:
                self.config.after(event)
        options.response = response
        if response.status // 100 == 2 or response.status == 304 and call.file:
            return response
        after = retry_after(response.headers.get("retry-after"))
        raise status_error(
            call.operation, response.status, event.request_id, after, response.body, _json(response.body)
        )

    async def _send(self, call: Call, request: httpx2.Request, deadline: float) -> RawResponse:
        left = max(deadline - time.monotonic(), 0.001)
        timeout = httpx2.Timeout(left, connect=min(self.config.connect_timeout, left))
        request.extensions["timeout"] = timeout.as_dict()
        try:
            response = await self._http.send(request, stream=True)
            try:
                chunks = []
                async for chunk in response.aiter_bytes():
                    chunks.append(chunk)
                    if time.monotonic() > deadline:
                        raise TimeoutError(call.operation, "the answer did not end in time")
            finally:
                await response.aclose()
        except httpx2.ConnectTimeout as error:
            raise TimeoutError(call.operation, "no connection in time", connecting=True) from error
        except httpx2.TimeoutException as error:
            raise TimeoutError(call.operation, "no answer in time") from error
        except httpx2.HTTPError as error:
            raise NetworkError(call.operation, f"{type(error).__name__}: {error}") from error
        return RawResponse(response.status_code, response.headers, b"".join(chunks))


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
