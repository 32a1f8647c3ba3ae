import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConflictError, Sdk, type Apikey, type ClientSite2Site, type SdkResponse } from "@chaveiro/sdk";

// The published examples run as they are, in the order in which they make sense. The server is new:
// its first CA is imported, and its first apikey is that of this program.
const sdk = new Sdk();
const folder = process.env["SNIPPETS"]!;
const material = (name: string) => readFileSync(join(process.env["MATERIAL"]!, name), "utf8");

/** Runs an example and returns what it prints. */
async function run(name: string, change: (text: string) => string = (text) => text): Promise<unknown> {
  const text = readFileSync(join(folder, `${name}.js`), "utf8");
  const printed: unknown[] = [];
  const console = { log: (value: unknown) => printed.push(value) };
  await new AsyncFunction("sdk", "console", change(text))(sdk, console);
  assert.equal(printed.length, Number(text.includes("console.log")));
  return printed[0];
}

const AsyncFunction = (async () => undefined).constructor as new (...texts: string[]) => (...given: unknown[]) => Promise<void>;

test("the examples of clients", async () => {
  await sdk.openvpn.importCa({ cert: material("ca.crt"), key: material("ca.key"), email: "ca@example.com" });
  await assert.rejects(run("create-client"), (error) => {
    assert.ok(error instanceof ConflictError, String(error)); // the published one leaves out the CA, which is required
    assert.deepEqual(error.errors.map(({ field, type }) => [field, type]), [["ca_id", "required"]]);
    return true;
  });
  const ofCa = (text: string) => text.replace("\n", "\nclientS2S.caId = 1;\n");
  const created = (await run("create-client", ofCa)) as ClientSite2Site;
  assert.deepEqual([created.id, created.caId, created.name, created.sector], [1, 1, "client-s2s", "Suporte"]);
  await sdk.openvpn.createClientSite2Site({ caId: 1, name: "second", email: "b@example.com" });

  const listed = (await run("list-clients")) as ClientSite2Site[];
  assert.deepEqual(listed.map((client) => client.id), [1, 2]);
  assert.deepEqual(await run("get-client"), created);
  const updated = (await run("update-client")) as ClientSite2Site;
  assert.deepEqual([updated.email, updated.description, updated.city], ["client_s2s_updated@client.com.br", "", created.city]);
  const revoked = (await run("revoke-client")) as SdkResponse<void>;
  assert.equal(revoked.status, 200);
  assert.ok((await sdk.openvpn.getClientSite2Site({ id: 2 })).payload.revoked);

  const filled = (text: string) =>
    text.replace('"<key>"', JSON.stringify(material("client.key"))).replace('"<cert>"', JSON.stringify(material("client.crt")));
  const imported = (await run("import-client", filled)) as ClientSite2Site;
  assert.deepEqual([imported.id, imported.name, imported.revoked], [3, "imported", true]);
});

test("the examples of apikeys", async () => {
  const created = (await run("create-apikey")) as Apikey;
  assert.deepEqual([created.id, created.name, created.superuser, created.roles], [2, "Docs sample", true, []]);
  assert.deepEqual(((await run("list-apikeys")) as Apikey[]).map((key) => key.id), [1, 2]);
  assert.equal(((await run("get-apikey")) as Apikey).id, 1);
  assert.equal(((await run("update-apikey")) as Apikey).name, "Docs sample edited");
  await run("delete-apikey");
  assert.deepEqual((await sdk.auth.getApiKeysPages().next()).payload.map((key) => key.id), [1]);
});
