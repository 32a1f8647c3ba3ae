import assert from "node:assert/strict";
import { once } from "node:events";
import { Sdk } from "@chaveiro/sdk";

// Goes over clients page by page. Half-way it says so, and waits for a line: the server is killed
// meanwhile, and comes back later. Every client is met once.
const count = 60;
const sdk = new Sdk({ retries: 20 });
const { payload: ca } = await sdk.openvpn.createCa({ name: "outage", email: "ca@example.com" });
for (let i = 0; i < count; i++) {
  await sdk.openvpn.createClientSite2Site({ caId: ca.id, name: `site-${i}`, email: "site@example.com" });
}
const met = new Set<number>();
for await (const client of sdk.openvpn.getClientsSite2SitePages({ size: 10 })) {
  assert.ok(!met.has(client.id), `${client.id} is met twice`);
  met.add(client.id);
  if (met.size === count / 2) {
    console.log("half");
    await once(process.stdin, "data");
    process.stdin.destroy();
  }
}
assert.equal(met.size, count);
