"""The calls of the public pages of the dialect, in the style of its published SDK.

It runs on a server of its own: the apikey 1 is not the one in use, and CA 1 is not there yet. The
snippets of lists go back after the next page; so that there is a page to go back to, the first page
is read before.
"""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from chaveiro_sdk import Chaveiro, Sdk

TEXT = (Path(__file__).parents[2] / "testdata" / "snippets.md").read_text()
SECTIONS = {
    title.strip(): "\n".join(re.findall(r"```python\n(.*?)```", body, re.DOTALL))
    for title, _, body in (part.partition("\n") for part in TEXT.split("\n## ")[1:])
}


def run(section: str, sdk: Sdk, **changed: str) -> Any:
    """Run the blocks of a section as one function, and return what it returns."""
    code = SECTIONS[section].replace("PACKAGE", "chaveiro_sdk").replace("page = pages.next()", "pages.next()\npage = pages.next()")
    for name, value in changed.items():
        code = code.replace(f'"<{name}>"', repr(value))
    space: dict[str, Any] = {}
    exec("def snippet(sdk):\n" + textwrap.indent(code, "    "), space)
    return space["snippet"](sdk)


@pytest.fixture(scope="module")
def sdk() -> Sdk:
    url, token = os.environ["CHAVEIRO_URL"], os.environ["CHAVEIRO_TOKEN"]
    with Chaveiro(url, apikey=token) as plain:
        plain.auth.create_role(name="Users management", scopes=[])
        ca = plain.openvpn.import_ca(cert=os.environ["CA_CERT"], key=os.environ["CA_KEY"])
        assert ca.id == 1
        for i in range(1, 18):
            plain.openvpn.create_client_site2site(ca_id=1, name=f"site-{i}", email="a@example.com")
            plain.auth.create_apikey(name=f"key-{i}")
    return Sdk(url, apikey=token)


def test_there_are_eleven_sections() -> None:
    assert len(SECTIONS) == 11 and TEXT.count("```python") == 22


def test_clients(sdk: Sdk, capsys: pytest.CaptureFixture[str]) -> None:
    run("clients: list", sdk)
    assert capsys.readouterr().out.count("ClientSite2Site(") == 15 + 2
    assert run("clients: get", sdk).name == "site-1"
    created = run("clients: create", sdk)
    assert created.name == "client-s2s" and created.city == "Rio de Janeiro"
    assert run("clients: create", sdk) is None, "the name is taken"
    updated = run("clients: update", sdk)
    assert updated.email == "client_s2s_updated@client.com.br" and updated.description == ""
    assert run("clients: revoke", sdk) is True
    assert run("clients: import", sdk) is None, "<key> is no key"
    imported = run("clients: import", sdk, key=os.environ["CLIENT_KEY"], cert=os.environ["CLIENT_CERT"])
    assert imported.revoked and imported.name == "imported"


def test_apikeys(sdk: Sdk, capsys: pytest.CaptureFixture[str]) -> None:
    run("apikeys: list", sdk)
    assert capsys.readouterr().out.count("Apikey(") == 15 + 4
    assert run("apikeys: get", sdk).id == 1
    created = run("apikeys: create", sdk)
    assert created.name == "apikey" and created.superuser and created.roles == []
    updated = run("apikeys: update", sdk)
    assert updated.name == "apikey-updated" and not updated.superuser
    assert [(r.id, r.name) for r in updated.roles] == [(1, "Users management")]
    assert run("apikeys: delete", sdk) is True
    assert run("apikeys: get", sdk) is None
