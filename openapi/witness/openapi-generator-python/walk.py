"""Walks through both dialects with clients that openapi-generator has generated of the documents.

It leaves the files that it gets in the folder FOLDER. What goes wrong is an exception.
"""

from os import environ
from pathlib import Path

import chaveiro_api as api
import chaveiro_pam as pam
from chaveiro_api.exceptions import ConflictException
from chaveiro_pam.exceptions import BadRequestException
from pydantic import SecretStr

URL = environ["CHAVEIRO_URL"]
FOLDER = Path(environ["FOLDER"])


def create_clients(group: api.Site2SiteApi, ca: int) -> int:
    """Makes two clients, one of them twice, which is a conflict. Returns the id of the first."""
    body = api.ClientSite2SiteCreate(ca_id=ca, name="site-rio", email="rio@example.com")
    made = group.create_client_site2_site(body)
    assert made.name == "site-rio" and made.expiry_date > made.created_at, made
    try:
        group.create_client_site2_site(body)
    except ConflictException as conflict:
        assert isinstance(conflict.data, api.Errors), conflict
        (fault,) = conflict.data.errors
        assert fault.var_field == "name" and fault.type is api.FieldErrorType.DUPLICATED, fault
    else:
        raise AssertionError("the same client again")
    body.name = "site-sul"
    group.create_client_site2_site(body)
    return made.id


def read_pages(group: api.Site2SiteApi) -> None:
    names: list[str] = []
    cursor: int | None = 0
    while cursor is not None and len(names) < 3:
        page = group.get_clients_site2_site_page(cursor=cursor, size=1, status=api.ClientStatus.VALID)
        names += [one.name for one in page.clients]
        cursor = page.cursor.next
    assert names == ["site-rio", "site-sul"], names


def download(client: api.ApiClient, ca: int, id: int) -> None:
    request = api.Pkcs12Request(password=environ["PASSWORD"])
    file = api.Site2SiteApi(client).create_client_site2_site_pkcs12(id, request)
    (FOLDER / "client.p12").write_bytes(file)
    (FOLDER / "crl.pem").write_bytes(api.CasApi(client).get_ca_crl(ca))


def connect(client: api.ApiClient, ca: int, id: int) -> None:
    """Makes an OpenVPN server of a model of its own, and the client a site of it."""
    template = "port {{.Port}}\nproto {{.Proto}}\n"
    body = api.InstanceModelCreate(name="curto", template=template)
    model = api.InstanceModelsApi(client).create_instance_model(body)
    assert model.template == template, model
    asked = api.InstanceCreate(
        ca_id=ca, name="vpn-matriz", network="10.8.0.0/24", model_id=model.id, remotes=["vpn.example.com"]
    )
    instance = api.InstancesApi(client).create_instance(asked)
    assert instance.control_channel is api.InstanceControlChannel.TLS_MINUS_CRYPT_MINUS_V2, instance
    group = api.Site2SiteApi(client)
    change = api.ClientSite2SiteConfigUpdate(iroutes=["10.1.0.0/24"])
    config = group.update_client_site2_site_config(id, instance.id, change)
    assert config.static_ip == "10.8.0.2" and config.profile_fetched_at is None, config
    (FOLDER / "site-rio.ovpn").write_bytes(group.get_client_site2_site_profile(id, instance_id=instance.id))


def import_devices(group: api.DevicesApi) -> None:
    """Imports a file with a faulty row: all or none, then what is good."""
    content = Path(environ["DEVICES"]).read_bytes()
    try:
        group.import_pam_devices(content)
    except ConflictException as conflict:
        assert isinstance(conflict.data, api.Errors), conflict
        assert conflict.data.errors[0].var_field == "rows[3].ip", conflict
    else:
        raise AssertionError("the import of all")
    report = group.import_pam_devices(content, atomic=False)
    assert report.created == 2 and [one.row for one in report.errors] == [3], report


def walk() -> None:
    settings = api.Configuration(host=URL + "/api", access_token=environ["CHAVEIRO_TOKEN"])
    with api.ApiClient(settings) as client:
        ca = api.CasApi(client).create_ca(api.CaCreate(name="ca-matriz", email="ca@example.com")).id
        made = create_clients(api.Site2SiteApi(client), ca)
        read_pages(api.Site2SiteApi(client))
        download(client, ca, made)
        connect(client, ca, made)
        import_devices(api.DevicesApi(client))


def walk_vault() -> None:
    settings = pam.Configuration(host=URL + "/iso")
    with pam.ApiClient(settings) as client:
        grant = pam.TokenRequest(
            grant_type=pam.GrantType.CLIENT_CREDENTIALS,
            client_id=environ["CLIENT_ID"],
            client_secret=SecretStr(environ["CLIENT_SECRET"]),
        )
        settings.access_token = pam.AuthApi(client).create_token(grant).access_token
        group = pam.DevicesApi(client)
        device = pam.DeviceUpsert(
            hostname="roteador", ip="192.0.2.9", model="RB5009", type="Router", vendor="MikroTik", site="Rio"
        )
        assert group.upsert_device(device_upsert=device).device.hostname == "roteador"
        device.ip = " "
        try:
            group.upsert_device(device_upsert=device)
        except BadRequestException as refused:
            assert isinstance(refused.data, pam.ErrorAnswer), refused
            assert refused.data.exception and refused.data.exception.code == 1005, refused
        else:
            raise AssertionError("a device without an address")
        assert len(group.list_devices().devices) == 3


def read_later_version() -> None:
    """Reads answers of a later version: with another field, and with another value of an enum."""
    cursor = api.Cursor.from_dict({"current": 0, "next": None, "previous": None, "later": 1})
    assert cursor and cursor.next is None, cursor
    try:
        api.FieldError.from_dict({"field": "name", "type": "later", "msg": ""})
    except ValueError:
        return
    raise AssertionError("it reads values of enums that it does not know: openapi/README.md says otherwise")


walk()
walk_vault()
read_later_version()
