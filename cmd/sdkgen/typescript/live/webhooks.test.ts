import assert from "node:assert/strict";
import { once } from "node:events";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Sdk, verifyWebhook, WebhookError } from "@chaveiro/sdk";

type Arrived = { body: Uint8Array; headers: http.IncomingHttpHeaders };

test("what a server sends to a webhook is verified, also while its key is rotated", async () => {
  const queue: Arrived[] = [];
  const waiting: ((one: Arrived) => void)[] = [];
  const endpoint = http.createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const one = { body: new Uint8Array(Buffer.concat(parts)), headers: request.headers };
      const next = waiting.shift();
      if (next) next(one);
      else queue.push(one);
      response.writeHead(204).end();
    });
  });
  endpoint.listen(0, "127.0.0.1");
  await once(endpoint, "listening");
  const arrived = () =>
    new Promise<Arrived>((resolve) => {
      const one = queue.shift();
      if (one) resolve(one);
      else waiting.push(resolve);
    });
  try {
    const sdk = new Sdk();
    const url = `http://127.0.0.1:${(endpoint.address() as AddressInfo).port}/hook`;
    const hook = (await sdk.events.createWebhook({ name: "sdk", url, types: ["role.created"] })).payload;
    assert.ok((await sdk.events.testWebhook({ id: hook.id })).payload.delivered);
    const ping = await arrived();
    assert.equal((await verifyWebhook(ping.body, ping.headers, hook.key)).type, "ping");
    const role = (await sdk.auth.createRole({ name: "first", scopes: [] })).payload;
    const first = await arrived();
    const event = await verifyWebhook(first.body, first.headers, [hook.key]);
    assert.equal(event.type, "role.created");
    assert.equal(event.data["resource_id"], role.id);
    await assert.rejects(verifyWebhook(first.body, first.headers, hook.key, { now: Date.now() + 301_000 }), WebhookError);
    const rotated = (await sdk.events.rotateWebhook({ id: hook.id })).payload;
    for (let attempt = 0; attempt < 100; attempt++) {
      await sdk.auth.createRole({ name: `again ${attempt}`, scopes: [] });
      const one = await arrived();
      await verifyWebhook(one.body, one.headers, hook.key);
      if (!String(one.headers["webhook-signature"]).includes(" ")) continue;
      await verifyWebhook(one.body, one.headers, rotated.key);
      return;
    }
    assert.fail("nothing has both signatures");
  } finally {
    endpoint.closeAllConnections();
    endpoint.close();
  }
});
