"""Walks through both dialects with clients that openapi-python-client has generated of the documents.

It leaves the files that it gets in the folder FOLDER. What goes wrong is an exception.
"""

from io import BytesIO
from os import environ
from pathlib import Path
from typing import Any, TypeVar

from chaveiro_api import AuthenticatedClient
from chaveiro_api.api.cas import create_ca, get_ca_crl
from chaveiro_api.api.devices import import_pam_devices
from chaveiro_api.api.instance_models import create_instance_model
from chaveiro_api.api.instances import create_instance
from chaveiro_api.api.site_2_site import (
    create_client_site_2_site,
    create_client_site_2_site_pkcs_12,
    get_client_site_2_site_profile,
    get_clients_site_2_site_page,
    update_client_site_2_site_config,
)
from chaveiro_api.models import (
    Ca,
    CaCreate,
    ClientSite2Site,
    ClientSite2SiteConfig,
    ClientSite2SiteConfigUpdate,
    ClientSite2SiteCreate,
    ClientSite2SitePage,
    ClientStatus,
    Cursor,
    Errors,
    FieldError,
    FieldErrorType,
    Instance,
    InstanceControlChannel,
    InstanceCreate,
    InstanceModel,
    InstanceModelCreate,
    PamDeviceImport,
    Pkcs12Request,
)
from chaveiro_api.types import File, Response
from chaveiro_pam import AuthenticatedClient as VaultClient
from chaveiro_pam import Client as PublicVaultClient
from chaveiro_pam.api.auth import create_token
from chaveiro_pam.api.devices import list_devices, upsert_device
from chaveiro_pam.models import DeviceAnswer, DeviceListAnswer, DeviceUpsert, ErrorAnswer, TokenAnswer, TokenRequest
from chaveiro_pam.models.grant_type import GrantType

URL = environ["CHAVEIRO_URL"]
FOLDER = Path(environ["FOLDER"])
T = TypeVar("T")


def wanted(kind: type[T], response: Response[Any]) -> T:
    """Returns the answer, which must be of this type."""
    if not isinstance(response.parsed, kind):
        raise SystemExit(f"{response.status_code}: {response.parsed}")
    return response.parsed


def create_clients(client: AuthenticatedClient, ca: int) -> int:
    """Makes two clients, one of them twice, which is a conflict. Returns the id of the first."""
    body = ClientSite2SiteCreate(ca_id=ca, name="site-rio", email="rio@example.com")
    made = wanted(ClientSite2Site, create_client_site_2_site.sync_detailed(client=client, body=body))
    assert made.name == "site-rio" and made.expiry_date > made.created_at, made
    again = create_client_site_2_site.sync_detailed(client=client, body=body)
    (fault,) = wanted(Errors, again).errors
    assert again.status_code == 409 and fault.field == "name", fault
    assert fault.type_ is FieldErrorType.DUPLICATED, fault
    body.name = "site-sul"
    wanted(ClientSite2Site, create_client_site_2_site.sync_detailed(client=client, body=body))
    return made.id


def read_pages(client: AuthenticatedClient) -> None:
    names: list[str] = []
    cursor: int | None = 0
    while cursor is not None and len(names) < 3:
        page = wanted(
            ClientSite2SitePage,
            get_clients_site_2_site_page.sync_detailed(
                client=client, cursor=cursor, size=1, status=ClientStatus.VALID
            ),
        )
        names += [one.name for one in page.clients]
        cursor = page.cursor.next_
    assert names == ["site-rio", "site-sul"], names


def download(client: AuthenticatedClient, ca: int, id: int) -> None:
    file = create_client_site_2_site_pkcs_12.sync_detailed(
        id, client=client, body=Pkcs12Request(password=environ["PASSWORD"])
    )
    crl = get_ca_crl.sync_detailed(ca, client=client)
    for name, answer in {"client.p12": wanted(File, file), "crl.pem": wanted(File, crl)}.items():
        (FOLDER / name).write_bytes(answer.payload.read())


def connect(client: AuthenticatedClient, ca: int, id: int) -> None:
    """Makes an OpenVPN server of a model of its own, and the client a site of it."""
    template = "port {{.Port}}\nproto {{.Proto}}\n"
    body = InstanceModelCreate(name="curto", template=template)
    model = wanted(InstanceModel, create_instance_model.sync_detailed(client=client, body=body))
    assert model.template == template, model
    asked = InstanceCreate(
        ca_id=ca, name="vpn-matriz", network="10.8.0.0/24", model_id=model.id, remotes=["vpn.example.com"]
    )
    instance = wanted(Instance, create_instance.sync_detailed(client=client, body=asked))
    assert instance.control_channel is InstanceControlChannel.TLS_CRYPT_V2, instance
    change = ClientSite2SiteConfigUpdate(iroutes=["10.1.0.0/24"])
    put = update_client_site_2_site_config.sync_detailed(id, instance.id, client=client, body=change)
    config = wanted(ClientSite2SiteConfig, put)
    assert config.static_ip == "10.8.0.2" and config.profile_fetched_at is None, config
    answer = get_client_site_2_site_profile.sync_detailed(id, client=client, instance_id=instance.id)
    (FOLDER / "site-rio.ovpn").write_bytes(wanted(File, answer).payload.read())


def import_devices(client: AuthenticatedClient) -> None:
    """Imports a file with a faulty row: all or none, then what is good."""
    content = Path(environ["DEVICES"]).read_bytes()
    every = import_pam_devices.sync_detailed(client=client, body=File(payload=BytesIO(content)))
    assert wanted(Errors, every).errors[0].field == "rows[3].ip", every
    good = import_pam_devices.sync_detailed(client=client, body=File(payload=BytesIO(content)), atomic=False)
    report = wanted(PamDeviceImport, good)
    assert report.created == 2 and [one.row for one in report.errors] == [3], report


def walk() -> None:
    with AuthenticatedClient(base_url=URL + "/api", token=environ["CHAVEIRO_TOKEN"]) as client:
        body = CaCreate(name="ca-matriz", email="ca@example.com")
        ca = wanted(Ca, create_ca.sync_detailed(client=client, body=body)).id
        made = create_clients(client, ca)
        read_pages(client)
        download(client, ca, made)
        connect(client, ca, made)
        import_devices(client)


def walk_vault() -> None:
    grant = TokenRequest(
        grant_type=GrantType.CLIENT_CREDENTIALS,
        client_id=environ["CLIENT_ID"],
        client_secret=environ["CLIENT_SECRET"],
    )
    with PublicVaultClient(base_url=URL + "/iso") as public:
        # It sends the form: of media types with the same schema the last one (its issue 1276).
        answer = create_token.sync_detailed(client=public, body=grant)
    if not isinstance(answer.parsed, TokenAnswer):
        raise SystemExit(f"the token: {answer}")
    with VaultClient(base_url=URL + "/iso", token=answer.parsed.access_token) as client:
        device = DeviceUpsert(
            hostname="roteador", ip="192.0.2.9", model="RB5009", type_="Router", vendor="MikroTik", site="Rio"
        )
        made = upsert_device.sync(client=client, body=device)
        assert isinstance(made, DeviceAnswer) and made.device.hostname == "roteador", made
        device.ip = ""
        wrong = upsert_device.sync(client=client, body=device)
        assert isinstance(wrong, ErrorAnswer) and wrong.exception and wrong.exception.code == 1005, wrong
        every = list_devices.sync(client=client)
        assert isinstance(every, DeviceListAnswer) and len(every.devices) == 3, every


def read_later_version() -> None:
    """Reads answers of a later version: with another field, and with another value of an enum."""
    cursor = Cursor.from_dict({"current": 0, "next": None, "previous": None, "later": 1})
    assert cursor.next_ is None, cursor
    try:
        FieldError.from_dict({"field": "name", "type": "later", "msg": ""})
    except ValueError:
        return
    raise AssertionError("it reads values of enums that it does not know: openapi/README.md says otherwise")


walk()
walk_vault()
read_later_version()
