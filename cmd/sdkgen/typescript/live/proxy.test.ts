import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError, NetworkError, Sdk, ServerError, TimeoutError } from "@chaveiro/sdk";

// What a proxy before the server does: it is told by a POST to /next.
const url = process.env["PROXY"]!;
const sdk = new Sdk({ url });
const once = new Sdk({ url, retries: 0 });

async function next(mood: string, count: number): Promise<void> {
  await fetch(`${url}/next?${mood}=${count}`, { method: "POST" });
}

for (const mood of ["cut", "lost", "html"]) {
  test(`${mood}: what is safe is tried again, and a POST is done once`, async () => {
    await next(mood, 2);
    await sdk.auth.getScopes();
    await next(mood, 2);
    const { payload: made } = await sdk.auth.createRole({ name: `once ${mood}`, scopes: [] });
    const met: number[] = [];
    for await (const role of sdk.auth.getRolesPages()) if (role.name === made.name) met.push(role.id);
    assert.deepEqual(met, [made.id]);
  });
}

test("failures are told apart", async () => {
  await next("cut", 1);
  await assert.rejects(once.auth.getScopes(), NetworkError);
  await next("html", 1);
  await assert.rejects(once.auth.getScopes(), (error) => {
    assert.ok(error instanceof ServerError && error.status === 502 && error.decode instanceof DecodeError);
    return true;
  });
  await next("delayed", 1);
  await assert.rejects(sdk.auth.getScopes({ timeout: 200 }), TimeoutError);
  await sdk.auth.getScopes();
});
