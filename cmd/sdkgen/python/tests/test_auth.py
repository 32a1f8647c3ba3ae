"""Tokens: exchanged, renewed, one exchange at a time. OAuth 1.0: RFC 5849's vectors and ours."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl

import pytest
from chaveiro_sdk import AsyncChaveiro, Chaveiro, ClientCredentials, OAuth1, errors
from chaveiro_sdk.credentials import Apikey, Password, base_string
from conftest import Answer, Asked, Server, ca


def test_an_apikey_is_exchanged_once(server: Server) -> None:
    server.answers = [Answer(data=ca())]
    sdk = Chaveiro(server.url, apikey="key")
    sdk.openvpn.get_ca(1)
    sdk.openvpn.get_ca(1)
    assert server.tokens == 1
    assert server.asked[0].json == {"grant_type": "refresh_token", "refresh_token": "key"}
    assert [a.headers["authorization"] for a in server.calls] == ["Bearer access-1"] * 2
    assert all("cookie" not in a.headers for a in server.asked)


def test_callers_share_one_exchange(server: Server) -> None:
    server.answers = [Answer(data=ca())]
    sdk = Chaveiro(server.url, apikey="key")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: sdk.openvpn.get_ca(1), range(16)))
    assert server.tokens == 1

    async def run() -> None:
        async with AsyncChaveiro(server.url, apikey="key") as sdk:
            await asyncio.gather(*(sdk.openvpn.get_ca(1) for _ in range(16)))

    asyncio.run(run())
    assert server.tokens == 2


def test_a_token_is_renewed_before_its_end(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    server.answers = [Answer(data=ca())]
    sdk = Chaveiro(server.url, apikey="key")
    sdk.openvpn.get_ca(1)
    now += 869
    sdk.openvpn.get_ca(1)
    assert server.tokens == 1
    now += 2
    sdk.openvpn.get_ca(1)
    assert server.tokens == 2


def test_a_refused_token_is_renewed_once(server: Server) -> None:
    def route(asked: Asked) -> Answer:
        fresh = asked.headers["authorization"] == "Bearer access-2"
        return Answer(data=ca()) if fresh else Answer(401)

    server.route = route
    attempts: list[int] = []
    sdk = Chaveiro(server.url, apikey="key", retries=0, after=lambda e: attempts.append(e.attempt))
    assert sdk.openvpn.create_ca(name="a", email="a@example.com").id == 1
    assert server.tokens == 2 and attempts == [1, 1, 1, 2], "of exchanges and of calls"
    assert len({a.headers.get("idempotency-key") for a in server.calls}) == 1
    server.route = lambda asked: Answer(401)
    with pytest.raises(errors.UnauthorizedError):
        sdk.openvpn.get_ca(1)
    assert server.tokens == 3 and len(server.calls) == 4


def test_a_fixed_token_is_not_renewed(server: Server) -> None:
    server.answers = [Answer(401)]
    with pytest.raises(errors.UnauthorizedError):
        Chaveiro(server.url, access_token="t").openvpn.get_ca(1)
    assert len(server.asked) == 1


def test_a_session_goes_on_and_begins_anew(server: Server) -> None:
    server.expires_in = 0
    server.answers = [Answer(data=ca())]
    sdk = Chaveiro(server.url, username="maria", password="senha")
    sdk.openvpn.get_ca(1)
    sdk.openvpn.get_ca(1)
    grants = [a.json for a in server.asked if a.path.endswith("/token")]
    assert grants == [
        {"grant_type": "password", "username": "maria", "password": "senha"},
        {"grant_type": "refresh_token", "refresh_token": "refresh-1"},
    ]
    server.token_status = 401
    with pytest.raises(errors.UnauthorizedError) as caught:
        sdk.openvpn.get_ca(1)
    assert caught.value.operation == "createToken"
    assert server.asked[-1].json["grant_type"] == "password"


def test_client_credentials(server: Server) -> None:
    server.answers = [Answer(data={"code": 200, "response": RESPONSE, "devices": []})]
    sdk = Chaveiro(server.url, vault_credential=ClientCredentials("id", "secret"))
    assert sdk.vault.get_devices().devices == []
    assert server.asked[0].path == "/iso/oauth2/token"
    assert server.asked[0].json["grant_type"] == "client_credentials"


RESPONSE = {
    "status": 200,
    "message": "",
    "error": False,
    "error_code": 0,
    "detail": "",
    "mensagem": "",
    "erro": False,
    "cod_erro": 0,
}


def test_no_credential(server: Server) -> None:
    with pytest.raises(errors.NoCredentialError):
        Chaveiro(server.url).openvpn.get_ca(1)
    assert server.asked == []


def test_secrets_are_not_shown() -> None:
    shown = repr([Apikey("S3CRET"), Password("maria", "S3CRET"), ClientCredentials("id", "S3CRET"), signer()])
    assert "S3CRET" not in shown and "pfkkdhi9sl3r4s00" not in shown and "maria" in shown


def signer(method: str = "HMAC-SHA1", timestamp: str = "137131202", nonce: str = "chapoH") -> OAuth1:
    """The credentials of RFC 5849, section 1.2."""
    return OAuth1(
        "dpf43f3p2l4k3l03",
        "kd94hf93k423kf44",
        "nnch734d00sl2jdk",
        "pfkkdhi9sl3r4s00",
        "HMAC-SHA1" if method == "HMAC-SHA1" else "HMAC-SHA256",
        lambda: timestamp,
        lambda: nonce,
    )


def test_base_string() -> None:
    """RFC 5849, section 3.4.1.1: a port, upper case, a form, and names that occur twice."""
    parameters = [
        *parse_qsl("c2&a3=2+q", keep_blank_values=True),
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ]
    url = "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"
    assert base_string("post", url, parameters) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D"
        "%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a"
        "%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201"
        "%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


@pytest.mark.parametrize(
    ("url", "want"),
    [
        ("http://EXAMPLE.COM:80/r%20v/X?id=123", "http%3A%2F%2Fexample.com%2Fr%2520v%2FX"),
        ("https://www.example.net:8080/?q=1", "https%3A%2F%2Fwww.example.net%3A8080%2F"),
        ("https://vault.example.com:443", "https%3A%2F%2Fvault.example.com%2F"),
    ],
)
def test_base_uri(url: str, want: str) -> None:
    """RFC 5849, section 3.4.1.2."""
    assert base_string("GET", url, []).split("&")[1] == want


def test_signature_of_the_photo() -> None:
    """RFC 5849, section 1.2."""
    parameters = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131202"),
        ("oauth_nonce", "chapoH"),
    ]
    url = "http://photos.example.net/photos?file=vacation.jpg&size=original"
    assert signer().signature(base_string("GET", url, parameters)) == "MdpQcU8iPSUjWoN/UDMsK2sui9I="
    other = signer("HMAC-SHA256").signature(base_string("GET", url, parameters))
    assert len(other) == 44 and other != signer().signature(base_string("GET", url, parameters))


def test_a_signed_request(server: Server) -> None:
    server.answers = [Answer(401), Answer(data={"code": 200, "response": RESPONSE, "devices": []})]
    sdk = Chaveiro(server.url, vault_credential=OAuth1("ck", "cs", "tk", "ts"))
    sdk.vault.get_devices()
    headers = [a.headers["authorization"] for a in server.calls]
    assert len(set(headers)) == 2, "each try has a nonce of its own"
    assert headers[0].startswith('OAuth oauth_consumer_key="ck"')
    assert 'oauth_signature_method="HMAC-SHA256"' in headers[0]


def test_signature_of_the_token() -> None:
    """RFC 5849, section 1.2: the exchange of the temporary token."""
    parameters = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "hh5s93j4hdidpola"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "walatlh"),
        ("oauth_verifier", "hfdp7dh39dks9884"),
    ]
    credential = OAuth1("dpf43f3p2l4k3l03", "kd94hf93k423kf44", "", "hdhd0244k9j7ao03", "HMAC-SHA1")
    base = base_string("POST", "https://photos.example.net/token", parameters)
    assert credential.signature(base) == "gKgrFCywp7rO0OXSjdot/IHF7IU="


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("HMAC-SHA1", "euZi1pi6AKBl7UD0D1JNdIu1t%2Fc%3D"),
        ("HMAC-SHA256", "VzATg488JN%2BOBH0W6RegYhzLw51yB3FwhAYrTMgX384%3D"),
    ],
)
def test_whole_headers(method: str, signature: str) -> None:
    header = signer(method, "1772625600").header("POST", "https://vault.example.com/iso/pam/device?a=1")
    assert header.startswith('OAuth oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk", ')
    assert header.endswith(f'oauth_signature="{signature}"')
