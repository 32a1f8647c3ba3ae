"""Pages, in both halves and in both styles."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from chaveiro_sdk import AsyncChaveiro, Chaveiro, Sdk, errors
from chaveiro_sdk.results import AuthenticationError, ResponseStatus
from chaveiro_sdk.openvpn.types import CreateClientSite2SiteRequest, GetCasPageRequest
from conftest import Answer, Asked, Server, ca, page

PAGES = {0: ([1, 2], 2, None), 2: ([3, 4], 4, 0), 4: ([5], None, 2)}


def lists(asked: Asked) -> Answer:
    cursor = int(parse_qs(urlsplit(asked.path).query)["cursor"][0])
    ids, next, previous = PAGES[cursor]
    return page([ca(id) for id in ids], cursor, next, previous)


def test_forward_and_back(server: Server) -> None:
    server.route = lists
    pages = Chaveiro(server.url, access_token="t").openvpn.get_cas_pages(size=2)
    assert server.asked == [] and pages.has_next and not pages.has_previous and pages.previous() is None
    seen = []
    while (found := pages.next()) is not None:
        seen.append((found.cursor, [c.id for c in found.items], found.has_next, found.has_previous))
    assert seen == [(0, [1, 2], True, False), (2, [3, 4], True, True), (4, [5], False, True)]
    back = []
    while (found := pages.previous()) is not None:
        back.append(found.cursor)
    assert back == [2, 0]
    assert "size=2" in server.asked[0].path


def test_iteration_is_lazy_and_begins_at_the_first(server: Server) -> None:
    server.route = lists
    pages = Chaveiro(server.url, access_token="t").openvpn.get_cas_pages()
    items = iter(pages)
    assert [next(items).id, next(items).id] == [1, 2] and len(server.asked) == 1
    assert next(items).id == 3 and len(server.asked) == 2
    assert [c.id for c in pages] == [1, 2, 3, 4, 5] and pages.page is None


def test_asynchronous(server: Server) -> None:
    server.route = lists

    async def run() -> None:
        async with AsyncChaveiro(server.url, access_token="t") as sdk:
            pages = sdk.openvpn.get_cas_pages()
            assert [c.id async for c in pages] == [1, 2, 3, 4, 5]
            first, second = await pages.next(), await pages.next()
            assert first and second and [c.id for c in second.items] == [3, 4]
            assert (await pages.previous()) == first and await pages.previous() is None

    asyncio.run(run())


def test_a_page_can_be_asked_for_again(server: Server) -> None:
    server.route = lists
    pages = Chaveiro(server.url, access_token="t").openvpn.get_cas_pages()
    pages.next()
    server.route = lambda asked: Answer(500)
    with pytest.raises(errors.ServerError):
        pages.next()
    server.route = lists
    assert (found := pages.next()) and found.cursor == 2


def test_a_page_that_leads_to_itself_ends(server: Server) -> None:
    server.answers = [page([ca()], 0, 0, None)]
    with pytest.raises(ValueError, match="itself"):
        list(Chaveiro(server.url, access_token="t").openvpn.get_cas_pages())


def sdk(server: Server) -> Sdk:
    return Sdk(server.url, apikey="key", requester=Chaveiro(server.url, apikey="key", retries=0))


def test_results_have_one_cursor(server: Server) -> None:
    server.route = lists
    pages = sdk(server).openvpn.get_cas_pages(GetCasPageRequest(size=2))
    assert server.asked == [] and pages.previous() is None and pages.has_next()
    first = pages.next()
    assert first and first.success and first.errors is None and first.cas and first.cursor == 0
    assert [c.id for c in pages] == [3, 4, 5]
    assert pages.next() is None and not pages.has_next() and pages.has_previous()
    back = pages.previous()
    assert back and back.cursor == 2
    assert (forward := pages.next()) and forward.cursor == 4


def test_results_of_errors(server: Server) -> None:
    server.route = lambda asked: Answer(409, {"errors": [{"field": "name", "type": "rule", "msg": "m"}]})
    request = CreateClientSite2SiteRequest(ca_id=1, name="a", email="a@example.com")
    result = sdk(server).openvpn.create_client_site2site(request)
    assert not result.success and result.status is ResponseStatus.VALIDATION_ERROR
    assert result.client is None and result.errors == [errors.FieldError("name", "rule", "m")]
    assert server.calls[0].json == {"ca_id": 1, "name": "a", "email": "a@example.com"}
    broken = sdk(server).openvpn.get_cas_pages().next()
    assert broken and not broken.success and broken.cas is None
    with pytest.raises(errors.ConflictError):
        list(sdk(server).openvpn.get_cas_pages())


@pytest.mark.parametrize(
    ("status", "want"),
    [
        (400, ResponseStatus.CLIENT_ERROR),
        (401, ResponseStatus.PERMISSION_ERROR),
        (403, ResponseStatus.PERMISSION_ERROR),
        (404, ResponseStatus.NOT_FOUND_ERROR),
        (500, ResponseStatus.SERVER_ERROR),
    ],
)
def test_statuses_of_results(server: Server, status: int, want: ResponseStatus) -> None:
    server.route = lambda asked: Answer(status, raw=b"")
    result = sdk(server).auth.get_scopes()
    assert result.status is want and result.errors == [] and result.scopes is None


def test_scopes_are_as_they_came(server: Server) -> None:
    scopes = [{"name": "auth.users", "read": True, "write": False}]
    server.route = lambda asked: Answer(data={"scopes": scopes})
    assert sdk(server).auth.get_scopes().scopes == scopes


def test_a_login_that_fails(server: Server) -> None:
    server.token_status = 401
    with pytest.raises(AuthenticationError):
        Sdk(server.url, "maria", "errada").auth.get_scopes()
    assert server.asked[0].json == {"grant_type": "password", "username": "maria", "password": "errada"}
    with pytest.raises(AuthenticationError):
        Sdk(server.url).auth.get_scopes()
    with pytest.raises(AuthenticationError):
        Sdk(server.url).openvpn.get_cas_pages().next()
