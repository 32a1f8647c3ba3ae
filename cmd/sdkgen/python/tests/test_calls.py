"""Retries, time-outs, errors, hooks, values: what every call does."""

from __future__ import annotations

import asyncio
import builtins
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
from chaveiro_sdk import calls, errors
from chaveiro_sdk import AccessToken, AsyncChaveiro, CallOptions, Chaveiro, Event
from chaveiro_sdk.calls import Call
from conftest import Answer, Server, ca


def client(server: Server, **options: Any) -> Chaveiro:
    return Chaveiro(server.url, access_token="secret-token", **options)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retried(server: Server, status: int) -> None:
    server.answers = [Answer(status), Answer(status), Answer(data=ca())]
    assert client(server).openvpn.get_ca(1).id == 1
    assert len(server.calls) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 409, 500])
def test_not_retried(server: Server, status: int) -> None:
    server.answers = [Answer(status)]
    with pytest.raises(errors.StatusError):
        client(server).openvpn.get_ca(1)
    assert len(server.calls) == 1


def test_retries_end(server: Server) -> None:
    server.answers = [Answer(503)]
    with pytest.raises(errors.ServerError):
        client(server).openvpn.get_ca(1)
    assert len(server.calls) == 3
    with pytest.raises(errors.ServerError):
        client(server, retries=0).openvpn.get_ca(1)
    assert len(server.calls) == 4


def create(server: Server, options: CallOptions | None = None) -> None:
    """Make a call that is safe with a key."""
    call = Call("createCa", "POST", "/api/openvpn/cas", "keyed", body={"name": "a"})
    client(server)._transport.json(call, lambda data: data, options)


def test_cut_connection_is_retried_with_the_same_key(server: Server) -> None:
    server.answers = [Answer(cut=True), Answer(503), Answer(data=ca())]
    create(server)
    keys = {asked.headers["idempotency-key"] for asked in server.calls}
    assert len(server.calls) == 3 and len(keys) == 1
    server.answers = [Answer(data=ca())]
    create(server)
    assert server.calls[-1].headers["idempotency-key"] not in keys
    create(server, CallOptions(idempotency_key="mine"))
    assert server.calls[-1].headers["idempotency-key"] == "mine"


def test_a_login_is_sent_once(server: Server) -> None:
    server.token_status = 503
    with pytest.raises(errors.ServerError):
        client(server).auth.create_token(grant_type="password", username="a", password="b")
    assert len(server.asked) == 1 and "idempotency-key" not in server.asked[0].headers


def test_pause_is_random_and_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "FIRST_PAUSE", 0.5)
    call, error = Call("x", "GET", "/", "safe"), errors.NetworkError("x", "cut")
    for tries, most in [(1, 0.5), (2, 1.0), (3, 2.0), (9, 8.0)]:
        found = [calls.pause(call, error, tries, 99) for _ in range(300)]
        assert all(p is not None and 0 <= p <= most for p in found)
        assert min(p for p in found if p is not None) < most * 0.2
        assert max(p for p in found if p is not None) > most * 0.8


def test_retry_after(server: Server) -> None:
    server.answers = [Answer(429, headers={"Retry-After": "1"}), Answer(data=ca())]
    started = time.monotonic()
    client(server).openvpn.get_ca(1)
    assert time.monotonic() - started >= 1
    later = datetime.now(timezone.utc) + timedelta(seconds=90)
    assert 80 < (calls.retry_after(format_datetime(later, usegmt=True)) or 0) <= 90
    assert calls.retry_after("soon") is None and calls.retry_after(None) is None


def test_retry_after_beyond_the_time_out_is_not_waited_for(server: Server) -> None:
    server.answers = [Answer(503, headers={"Retry-After": "60"})]
    started = time.monotonic()
    with pytest.raises(errors.ServerError) as caught:
        client(server, timeout=5).openvpn.get_ca(1)
    assert time.monotonic() - started < 2 and caught.value.retry_after == 60


def test_time_out(server: Server) -> None:
    server.answers = [Answer(wait=30)]
    with pytest.raises(errors.TimeoutError) as caught:
        client(server, timeout=0.2).openvpn.get_ca(1)
    assert not caught.value.connecting and isinstance(caught.value, builtins.TimeoutError)
    with pytest.raises(errors.TimeoutError):
        client(server).openvpn.get_ca(1, options=CallOptions(timeout=0.2))


def test_asynchronous_time_out_and_cancellation(server: Server) -> None:
    server.answers = [Answer(wait=30)]

    async def run() -> None:
        async with AsyncChaveiro(server.url, access_token="t", timeout=0.2) as sdk:
            with pytest.raises(errors.TimeoutError):
                await sdk.openvpn.get_ca(1)
        async with AsyncChaveiro(server.url, access_token="t") as sdk:
            task = asyncio.create_task(sdk.openvpn.get_ca(1))
            await asyncio.sleep(0.1)
            started = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - started < 1

    asyncio.run(run())


def test_cancellation_ends_a_pause(server: Server) -> None:
    server.answers = [Answer(503, headers={"Retry-After": "30"})]

    async def run() -> None:
        async with AsyncChaveiro(server.url, access_token="t") as sdk:
            with pytest.raises(builtins.TimeoutError):
                async with asyncio.timeout(0.3):
                    await sdk.openvpn.get_ca(1)

    started = time.monotonic()
    asyncio.run(run())
    assert time.monotonic() - started < 5


def test_no_server() -> None:
    with pytest.raises(errors.NetworkError) as caught:
        Chaveiro("http://127.0.0.1:1", access_token="t").openvpn.get_ca(1)
    assert isinstance(caught.value, ConnectionError) and caught.value.operation == "getCa"


FAMILIES = {
    400: errors.BadRequestError,
    401: errors.UnauthorizedError,
    403: errors.ForbiddenError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    418: errors.StatusError,
    429: errors.RateLimitedError,
    500: errors.ServerError,
}


@pytest.mark.parametrize("status", FAMILIES)
def test_families(server: Server, status: int) -> None:
    listed = {"field": "roles[0]", "type": "brand_new", "msg": "não", "more": 1}
    server.answers = [Answer(status, {"errors": [listed]}, {"X-Request-Id": "r-1"})]
    with pytest.raises(errors.StatusError) as caught:
        client(server, retries=0).openvpn.get_ca(1)
    error = caught.value
    assert type(error) is FAMILIES[status]
    assert (error.status, error.request_id, error.operation) == (status, "r-1", "getCa")
    assert error.errors == [errors.FieldError("roles[0]", "brand_new", "não")]
    assert "roles[0]" in str(error) and "r-1" in str(error)


@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b'{"errors":null}', b'{"errors":[1]}', b'"x"'])
def test_errors_of_something_else(server: Server, body: bytes) -> None:
    server.answers = [Answer(502, raw=body, headers={"Content-Type": "text/html"})]
    with pytest.raises(errors.ServerError) as caught:
        client(server, retries=0).openvpn.get_ca(1)
    assert caught.value.errors == [] and caught.value.body == body


def test_the_vault_has_exceptions(server: Server) -> None:
    data = {"code": 404, "exception": {"code": 1011, "message": "none"}, "response": {}}
    server.answers = [Answer(404, data)]
    sdk = Chaveiro(server.url, vault_credential=None)
    with pytest.raises(errors.NoCredentialError):
        sdk.vault.get_device("a")
    sdk = Chaveiro(server.url, vault_credential=AccessToken("t"))
    with pytest.raises(errors.NotFoundError) as caught:
        sdk.vault.get_device("a/b")
    assert caught.value.exception == errors.VaultException(1011, "none")
    assert server.calls[-1].path == "/iso/pam/device/a%2Fb"


@pytest.mark.parametrize("body", [b"<html>Hello</html>", b"", b"[]", b'{"id":1}', b"null"])
def test_an_answer_that_can_not_be_read(server: Server, body: bytes) -> None:
    server.answers = [Answer(raw=body, headers={"X-Request-Id": "r-2"})]
    with pytest.raises(errors.DecodeError) as caught:
        client(server).openvpn.get_ca(1)
    assert (caught.value.body, caught.value.status, caught.value.request_id) == (body, 200, "r-2")


def test_hooks_see_no_secrets(server: Server) -> None:
    seen: list[Event] = []
    started: list[str] = []
    server.answers = [Answer(503), Answer(data=ca(), headers={"X-Request-Id": "r-3"})]
    sdk = client(server, after=seen.append, before=lambda e: started.append(e.operation))
    sdk.openvpn.update_ca(17, description="secret-body")
    assert started == ["updateCa", "updateCa"]
    assert [(e.attempt, e.status, e.path) for e in seen] == [
        (1, 503, "/api/openvpn/cas/{id}"),
        (2, 200, "/api/openvpn/cas/{id}"),
    ]
    assert seen[1].request_id == "r-3" and seen[1].duration > 0
    assert "secret" not in repr(seen) and "17" not in repr([e.path for e in seen])
    with pytest.raises(errors.NetworkError):
        Chaveiro("http://127.0.0.1:1", access_token="t", retries=0, after=seen.append).openvpn.get_ca(1)
    assert seen[-1].status is None and seen[-1].error == "NetworkError"


def test_absent_null_and_empty(server: Server) -> None:
    server.answers = [Answer(data=ca())]
    openvpn = client(server).openvpn
    openvpn.update_ca(1)
    openvpn.update_ca(1, description=None, city="")
    assert server.calls[0].json == {}
    assert server.calls[1].json == {"description": None, "city": ""}


def test_dates_and_unknown_fields(server: Server) -> None:
    server.answers = [Answer(data=ca(brand_new={"a": 1}, created_at="2017-10-05T12:20:02"))]
    found = client(server).openvpn.get_ca(1)
    assert found.expiry_date == datetime(2017, 10, 5, 12, 20, 2, 932000, timezone.utc)
    assert found.created_at.tzinfo is timezone.utc


def test_unknown_values_of_enums(server: Server) -> None:
    dates = dict.fromkeys(("created_at", "updated_at"), "2017-10-05T12:20:02Z")
    data = {"id": 1, "name": "a", "description": "", "enabled": True, "method": "oauth9", **dates}
    server.answers = [Answer(data=data)]
    assert client(server).pam.get_application(1).method == "oauth9"


def test_ids_are_bounded(server: Server) -> None:
    with pytest.raises(ValueError, match="2\\^53"):
        client(server).openvpn.get_ca(2**53)
    assert server.asked == []


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_no_argument_leads_to_another_path(server: Server, name: str) -> None:
    sdk = Chaveiro(server.url, vault_credential=AccessToken("t"))
    with pytest.raises(ValueError, match="of nothing"):
        sdk.vault.get_device(name)
    assert server.asked == []


def test_raw_response_language_and_user_agent(server: Server) -> None:
    server.answers = [Answer(404, {"errors": []}, {"X-Extra": "e"})]
    options = CallOptions(language="en", headers={"X-Mine": "m"})
    with pytest.raises(errors.NotFoundError):
        client(server, language="pt-BR", user_agent="mine/1").openvpn.get_ca(1, options=options)
    assert options.response is not None and options.response.status == 404
    assert options.response.headers["x-extra"] == "e"
    headers = server.calls[0].headers
    assert (headers["accept-language"], headers["user-agent"], headers["x-mine"]) == ("en", "mine/1", "m")


def test_headers_are_asked_for_at_each_call(server: Server) -> None:
    server.answers = [Answer(data=ca()), Answer(data=ca())]
    made: list[int] = []

    def headers() -> dict[str, str]:
        made.append(1)
        return {"traceparent": f"00-{len(made)}", "X-Mine": "config"}

    sdk = client(server, headers=headers)
    sdk.openvpn.get_ca(1)
    sdk.openvpn.get_ca(1, options=CallOptions(headers={"X-Mine": "call"}))
    sent = [(one.headers["traceparent"], one.headers["x-mine"]) for one in server.calls]
    assert sent == [("00-1", "config"), ("00-2", "call")]


def test_files(server: Server) -> None:
    headers = {
        "Content-Type": "application/x-pem-file; charset=utf-8",
        "Content-Disposition": "attachment; filename=\"ca.pem\"",
        "ETag": '"e"',
    }
    server.answers = [Answer(raw=b"\x00PEM", headers=headers), Answer(304, raw=b"", headers={"ETag": '"e"'})]
    sdk = Chaveiro(server.url)
    file = sdk.openvpn.get_ca_crl(1, format="der")
    assert (file.content, file.name, file.media_type) == (b"\x00PEM", "ca.pem", "application/x-pem-file")
    again = sdk.openvpn.get_ca_crl(1, if_none_match=file.headers["etag"])
    assert again.not_modified and again.content == b""
    assert server.calls[1].headers["if-none-match"] == '"e"'
    assert "authorization" not in server.calls[0].headers


def test_environment(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers = [Answer(data=ca())]
    with pytest.raises(ValueError, match="CHAVEIRO_URL"):
        Chaveiro()
    monkeypatch.setenv("CHAVEIRO_URL", server.url + "/")
    monkeypatch.setenv("CHAVEIRO_TOKEN", "of-the-environment")
    Chaveiro().openvpn.get_ca(1)
    assert server.asked[0].json == {"grant_type": "refresh_token", "refresh_token": "of-the-environment"}


def test_proxy(server: Server) -> None:
    server.answers = [Answer(data=ca())]
    sdk = Chaveiro("http://chaveiro.invalid", access_token="t", proxy=server.url)
    assert sdk.openvpn.get_ca(1).id == 1
    assert server.calls[0].path == "http://chaveiro.invalid/api/openvpn/cas/1"
