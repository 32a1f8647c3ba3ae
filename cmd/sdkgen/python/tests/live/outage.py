"""Iterates over clients of a server that is killed at half time. It says so, and how it ended."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from chaveiro_sdk import Chaveiro

COUNT = 60

with Chaveiro(retries=20) as sdk:
    ca = sdk.openvpn.create_ca(name="outage", email="ca@example.com")

    def create(i: int) -> None:
        sdk.openvpn.create_client_site2site(ca_id=ca.id, name=f"site-{i}", email="a@example.com")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(create, range(COUNT)))
    met: set[int] = set()
    for client in sdk.openvpn.get_clients_site2site_pages(size=10):
        assert client.id not in met
        met.add(client.id)
        if len(met) == COUNT // 2:
            print("half", flush=True)
    print(f"{len(met)} of {COUNT}", flush=True)
