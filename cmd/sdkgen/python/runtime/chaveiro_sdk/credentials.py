"""The credentials that a client can have, and how OAuth 1.0 signs (RFC 5849)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, quote, urlsplit


@dataclass(frozen=True, slots=True)
class Apikey:
    """The token of an apikey. It is exchanged for access tokens."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Password:
    """A user of the server. It begins a session, which is renewed by its refresh token."""

    username: str | None
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token. It is used until it ends, and not renewed."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Those of an authorization whose application has the method oauth2 (RFC 6749, section 4.4)."""

    client_id: str
    client_secret: str = field(repr=False)


def _now() -> str:
    return str(int(time.time()))


def _nonce() -> str:
    return secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class OAuth1:
    """Those of an authorization whose application has the method oauth1.

    The key and secret of the consumer are client_id and client_secret of the authorization.
    Requests are signed in the header Authorization; a body of JSON is not signed.
    """

    consumer_key: str
    consumer_secret: str = field(repr=False)
    token: str
    token_secret: str = field(repr=False)
    method: Literal["HMAC-SHA256", "HMAC-SHA1"] = "HMAC-SHA256"
    timestamp: Callable[[], str] = field(default=_now, repr=False)
    nonce: Callable[[], str] = field(default=_nonce, repr=False)

    def header(self, method: str, url: str, form: Iterable[tuple[str, str]] = ()) -> str:
        """Return the header Authorization of a request (section 3.5.1)."""
        parameters = [
            ("oauth_consumer_key", self.consumer_key),
            ("oauth_token", self.token),
            ("oauth_signature_method", self.method),
            ("oauth_timestamp", self.timestamp()),
            ("oauth_nonce", self.nonce()),
            ("oauth_version", "1.0"),
        ]
        signature = self.signature(base_string(method, url, [*parameters, *form]))
        parameters.append(("oauth_signature", signature))
        return "OAuth " + ", ".join(f'{escape(name)}="{escape(value)}"' for name, value in parameters)

    def signature(self, base: str) -> str:
        """Sign a base string (section 3.4.2)."""
        digest = hashlib.sha1 if self.method == "HMAC-SHA1" else hashlib.sha256
        key = f"{escape(self.consumer_secret)}&{escape(self.token_secret)}"
        return base64.b64encode(hmac.new(key.encode(), base.encode(), digest).digest()).decode()


def escape(text: str) -> str:
    """Escape everything but letters, digits, "-", ".", "_" and "~" (section 3.6)."""
    return quote(text, safe="~")


def base_string(method: str, url: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Return what is signed (section 3.4.1), of the parameters that are not in the query."""
    parts = urlsplit(url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    pairs = sorted((escape(name), escape(value)) for name, value in [*query, *parameters])
    host = parts.netloc.lower()
    default_port = {"http": ":80", "https": ":443"}.get(parts.scheme.lower())
    if default_port:
        host = host.removesuffix(default_port)
    address = f"{parts.scheme.lower()}://{host}{parts.path or '/'}"
    text = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join([method.upper(), escape(address), escape(text)])


ApiCredential: TypeAlias = Apikey | Password | AccessToken
VaultCredential: TypeAlias = ClientCredentials | OAuth1 | AccessToken
Credential: TypeAlias = ApiCredential | VaultCredential
