"""The flows of a program that uses the SDK, against the server itself."""

from __future__ import annotations

import asyncio
import io
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from chaveiro_sdk import (
    AsyncChaveiro,
    BadRequestError,
    CallOptions,
    Chaveiro,
    ClientCredentials,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    OAuth1,
    ResponseStatus,
    Sdk,
    UnauthorizedError,
)
from chaveiro_sdk.auth.types import CreateApikeyRequest, RoleIdObject, ScopeRights, UpdateApikeyRequest
from chaveiro_sdk.openvpn.types import CreateClientSite2SiteRequest, GetClientsSite2SitePageRequest

URL, TOKEN = os.environ["CHAVEIRO_URL"], os.environ["CHAVEIRO_TOKEN"]
COUNT = 1000
TEXTS = ("site", "model", "vendor")


@pytest.fixture(scope="module")
def sdk() -> Chaveiro:
    return Chaveiro(language="en")


@pytest.fixture(scope="module")
def full(sdk: Chaveiro) -> int:
    """A CA of COUNT clients."""
    ca = sdk.openvpn.create_ca(name="full", email="ca@example.com").id

    def create(i: int) -> None:
        sdk.openvpn.create_client_site2site(ca_id=ca, name=f"site-{i:04}", email="a@example.com")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(create, range(COUNT)))
    return ca


def test_login() -> None:
    with Chaveiro(URL, username="maria", password="uma senha bem longa") as sdk:
        info = sdk.auth.get_user_info()
        assert info.username == "maria" and info.superuser
    with pytest.raises(UnauthorizedError) as caught:
        Chaveiro(URL, username="maria", password="outra").auth.get_user_info()
    assert caught.value.request_id and caught.value.operation == "createToken"
    token = Chaveiro(URL).auth.create_token(grant_type="refresh_token", refresh_token=TOKEN)
    assert Chaveiro(URL, access_token=token.access_token).auth.get_user_info().id


def test_a_client(sdk: Chaveiro) -> None:
    openvpn = sdk.openvpn
    ca = openvpn.create_ca(name="ca-matriz", email="ca@example.com", country="BR")
    client = openvpn.create_client_site2site(ca_id=ca.id, name="site-rio", email="rio@example.com")
    assert (client.revoked, client.expired, client.expiry_date.tzinfo) == (False, False, client.created_at.tzinfo)
    with pytest.raises(ConflictError) as caught:
        openvpn.create_client_site2site(ca_id=ca.id, name="site-rio", email="no address")
    assert {e.field for e in caught.value.errors} >= {"email"} and caught.value.request_id
    options = CallOptions(language="pt-BR")
    with pytest.raises(ConflictError) as other:
        openvpn.create_client_site2site(ca_id=ca.id, name="x", email="no address", options=options)
    assert other.value.errors[0].msg != caught.value.errors[0].msg
    certificate = openvpn.get_client_site2site_certificate(client.id)
    assert certificate.text.startswith("-----BEGIN CERTIFICATE-----") and certificate.name
    assert "PRIVATE KEY" in openvpn.get_client_site2site_key(client.id).text
    assert "CERTIFICATE" in openvpn.get_ca_certificate(ca.id).text
    pkcs12 = openvpn.create_client_site2site_pkcs12(client.id, password="uma senha bem longa")
    assert pkcs12.content[0] == 0x30 and pkcs12.media_type == "application/x-pkcs12"
    before = openvpn.get_ca_crl(ca.id, format="der")
    assert before.content[0] == 0x30 and before.media_type == "application/pkix-crl"
    said = openvpn.revoke_client_site2site_dry_run(client.id)
    assert said.dry_run and said.changes and said.name == client.name and not said.reversible
    openvpn.revoke_client_site2site(client.id)
    assert openvpn.get_client_site2site(client.id).revoked
    after = openvpn.get_ca_crl(ca.id, format="der")
    assert after.content != before.content
    assert openvpn.get_ca_crl(ca.id, format="der", if_none_match=after.headers["etag"]).not_modified
    assert [c.id for c in openvpn.get_clients_site2site_pages(ca_id=ca.id, status="revoked")] == [client.id]


def test_three_states(sdk: Chaveiro) -> None:
    ca = sdk.openvpn.create_ca(name="ca-states", email="ca@example.com", description="d", city="Rio")
    assert sdk.openvpn.update_ca(ca.id, city="").description == "d"
    assert sdk.openvpn.get_ca(ca.id).city == ""
    assert sdk.openvpn.update_ca(ca.id, description=None).city == ""
    sdk.openvpn.delete_ca(ca.id)
    with pytest.raises(NotFoundError):
        sdk.openvpn.get_ca(ca.id)


def test_pages_forward_and_back(sdk: Chaveiro, full: int) -> None:
    pages = sdk.openvpn.get_clients_site2site_pages(ca_id=full, size=100)
    forward = []
    while (page := pages.next()) is not None:
        forward.append([client.id for client in page.items])
    assert len(forward) == 10 and sum(map(len, forward)) == COUNT
    back = [forward[-1]]
    while (page := pages.previous()) is not None:
        back.append([client.id for client in page.items])
    assert back == forward[::-1]
    assert len({c.name for c in pages}) == COUNT


def test_pages_asynchronously(full: int) -> None:
    async def run() -> None:
        async with AsyncChaveiro() as sdk:
            pages = sdk.openvpn.get_clients_site2site_pages(ca_id=full, size=100)
            assert len({c.id async for c in pages}) == COUNT

    asyncio.run(run())


def test_pages_of_results(full: int) -> None:
    openvpn = Sdk(URL, apikey=TOKEN).openvpn
    pages = openvpn.get_clients_site2site_pages(GetClientsSite2SitePageRequest(size=100, ca_id=full))
    assert len({c.id for c in pages}) == COUNT
    request = CreateClientSite2SiteRequest(ca_id=full, name="site-0000", email="a@example.com")
    result = openvpn.create_client_site2site(request)
    assert result.status is ResponseStatus.VALIDATION_ERROR and result.errors
    assert [(e.field, e.type) for e in result.errors] == [("name", "duplicated")]


def test_apikeys(sdk: Chaveiro) -> None:
    rights = ScopeRights(name="openvpn.clients", read=True, write=False)
    role = sdk.auth.create_role(name="readers", scopes=[rights])
    key = sdk.auth.create_apikey(name="of ints", roles=[role.id])
    assert [(r.id, r.name) for r in key.roles] == [(role.id, "readers")]
    for roles in ([{"id": role.id}], [RoleIdObject(id=role.id)]):
        assert [r.id for r in sdk.auth.update_apikey(key.id, roles=roles).roles] == [role.id]
    said = sdk.auth.delete_apikey_dry_run(key.id, self_=True)
    assert (said.action, said.id, said.name) == ("delete", key.id, "of ints")
    reader = Chaveiro(apikey=key.token)
    assert isinstance(list(reader.openvpn.get_clients_site2site_pages(name="none")), list)
    with pytest.raises(ForbiddenError):
        reader.openvpn.create_ca(name="a", email="a@example.com")
    with pytest.raises(ConflictError) as caught:
        sdk.auth.create_apikey(name="of none", roles=[2**40])
    assert (caught.value.errors[0].field, caught.value.errors[0].type) == ("roles[0]", "not_found")
    auth = Sdk(URL, apikey=TOKEN).auth
    made = auth.create_apikey(CreateApikeyRequest(name="of results", roles=[{"id": role.id}]))
    assert made.success and made.apikey and made.apikey.roles[0].id == role.id
    changed = auth.update_apikey(UpdateApikeyRequest(id=made.apikey.id, roles=[]))
    assert changed.apikey and changed.apikey.roles == [] and changed.apikey.name == "of results"
    assert any(scope["name"] == "openvpn.clients" for scope in auth.get_scopes().scopes or [])


def test_users_and_audit(sdk: Chaveiro) -> None:
    user = sdk.auth.create_user(username="joana", password="uma senha muito longa", fullname="Joana")
    assert sdk.auth.update_user(user.id, email="joana@example.com").fullname == "Joana"
    assert "joana" in [u.username for u in sdk.auth.get_users_pages()]
    sdk.auth.delete_user(user.id)
    events = sdk.audit.get_events_pages(resource="auth.users", resource_id=user.id, order="asc", size=1)
    found = list(events)
    assert [e.action for e in found] == ["create", "update", "delete"]
    assert sdk.audit.get_event(found[0].id).actor.type == "apikey"


@pytest.fixture(scope="module")
def domain(sdk: Chaveiro) -> str:
    return sdk.pam.create_device_domain(name="example.com", short_name="EXAMPLE").name


@pytest.mark.parametrize("method", ["HMAC-SHA256", "HMAC-SHA1", "oauth2"])
def test_devices(sdk: Chaveiro, domain: str, method: str) -> None:
    kind = "oauth2" if method == "oauth2" else "oauth1"
    application = sdk.pam.create_application(name=f"inventory {method}", method=kind)
    secrets = sdk.pam.create_authorization(
        application_id=application.id, name="a", write=True, resources=["PAM Core"]
    )
    if method == "oauth2":
        sdk2 = Chaveiro(vault_credential=ClientCredentials(secrets.client_id, secrets.client_secret))
    else:
        signer = OAuth1(
            secrets.client_id,
            secrets.client_secret,
            secrets.token,
            secrets.token_secret,
            "HMAC-SHA1" if method == "HMAC-SHA1" else "HMAC-SHA256",
        )
        sdk2 = Chaveiro(vault_credential=signer)
    name = f"router-{method.lower()}"
    made = sdk2.vault.create_device(
        hostname=name,
        ip={"HMAC-SHA256": "192.0.2.1", "HMAC-SHA1": "192.0.2.2", "oauth2": "192.0.2.3"}[method],
        model="RB", type="Router", vendor="Ação", site="Rio de Janeiro", device_domain=domain,
        connectivities="SSH:22",
    )
    assert made.device.hostname == name
    assert sdk2.vault.get_device(made.device.id).device.vendor == "Ação"
    assert name in [d.hostname for d in sdk2.vault.get_devices().devices]
    sdk2.vault.disable_device(made.device.id)
    with pytest.raises(BadRequestError) as caught:
        sdk2.vault.get_device("999999999")
    assert caught.value.exception and caught.value.exception.code == 1011


def test_csv(sdk: Chaveiro, domain: str) -> None:
    rows: list[list[str]] = []
    file = sdk.pam.export_devices()
    assert file.media_type == "text/csv"
    header = file.text.splitlines()[0].split(",")
    for i in range(2):
        known = {"hostname": f"csv-{i}", "ip": f"192.0.2.10{i}", "type": "Router", "domains": domain}
        rows.append([known.get(name, "x" if name in TEXTS else "") for name in header])
    text = "\r\n".join(",".join(row) for row in [header, *rows])
    report = sdk.pam.import_devices(text)
    assert (report.created, report.failed, report.errors) == (2, 0, [])
    assert {d.hostname for d in sdk.pam.get_devices_pages(q="csv-")} == {"csv-0", "csv-1"}
    wrong = "".join(text.rsplit("Router", 1))
    report = sdk.pam.import_devices(io.BytesIO(wrong.encode()), atomic=False)
    assert report.failed == 1 and [(e.row, e.field) for e in report.errors] == [(2, "type")]
    with pytest.raises(ConflictError) as caught:
        sdk.pam.import_devices(wrong)
    assert "rows[2].type" in {e.field for e in caught.value.errors}
    again = sdk.pam.import_devices(sdk.pam.export_devices().content)
    assert again.failed == 0 and again.created == 0


def test_the_example_of_the_readme(capsys: pytest.CaptureFixture[str], full: int) -> None:
    code = "\n".join(re.findall(r"```python\n(.*?)```", Path(os.environ["README"]).read_text(), re.DOTALL))
    exec(code, {})
    assert "site-0001 20" in capsys.readouterr().out
