import assert from "node:assert/strict";
import { test } from "node:test";
import { ConflictError, NotFoundError, Sdk, type SdkFile } from "@chaveiro/sdk";

const sdk = new Sdk({ language: "en" });

async function content(call: Promise<{ payload: SdkFile }>): Promise<[string, SdkFile]> {
  const { payload } = await call;
  return [Buffer.from(await payload.bytes()).toString("latin1"), payload];
}

/** Makes n clients of a CA, a few at a time. */
async function fill(caId: number, n: number): Promise<void> {
  let made = 0;
  const worker = async () => {
    while (made < n) {
      const name = `site-${String(++made).padStart(4, "0")}`;
      await sdk.openvpn.createClientSite2Site({ caId, name, email: "site@example.com" });
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

test("a CA, a client, its files, a conflict and its revocation", async () => {
  const { payload: ca } = await sdk.openvpn.createCa({ name: "flow", email: "ca@example.com" });
  const wanted = { caId: ca.id, name: "flow-client", email: "site@example.com", description: "Matriz" };
  const { payload: client, status, requestId } = await sdk.openvpn.createClientSite2Site(wanted);
  assert.equal(client.description, "Matriz");
  assert.ok(client.expiryDate > client.createdAt && !client.revoked);
  assert.ok(status === 200 || status === 201);
  assert.ok(requestId);
  await assert.rejects(sdk.openvpn.createClientSite2Site(wanted), (error) => {
    assert.ok(error instanceof ConflictError);
    assert.equal(error.errors[0]!.field, "name");
    assert.equal(error.errors[0]!.type, "duplicated");
    return true;
  });
  await assert.rejects(sdk.openvpn.getClientSite2Site({ id: Number.MAX_SAFE_INTEGER }), NotFoundError);

  const [certificate, file] = await content(sdk.openvpn.getClientSite2SiteCertificate(client));
  assert.match(certificate, /BEGIN CERTIFICATE/);
  assert.equal(file.mediaType, "application/x-pem-file");
  assert.notEqual(file.name, "");
  assert.match((await content(sdk.openvpn.getClientSite2SiteKey(client)))[0], /PRIVATE KEY/);
  const [pkcs12, p12] = await content(sdk.openvpn.createClientSite2SitePkcs12({ id: client.id, password: "senha" }));
  assert.ok(pkcs12.length > 500 && pkcs12.charCodeAt(0) === 0x30);
  assert.equal(p12.mediaType, "application/x-pkcs12");

  const said = (await sdk.openvpn.revokeClientSite2SiteDryRun({ id: client.id })).payload;
  assert.deepEqual([said.dryRun, said.changes, said.name, said.reversible], [true, true, client.name, false]);
  assert.equal((await sdk.openvpn.revokeClientSite2Site({ id: client.id })).payload, undefined);
  assert.ok((await sdk.openvpn.getClientSite2Site({ id: client.id })).payload.revoked);
  assert.match((await content(sdk.openvpn.getCaCrl({ id: ca.id })))[0], /BEGIN X509 CRL/);
  const [der, crl] = await content(sdk.openvpn.getCaCrl({ id: ca.id, format: "der" }));
  assert.equal(der.charCodeAt(0), 0x30);
  assert.equal(crl.mediaType, "application/pkix-crl");
  const same = await sdk.openvpn.getCaCrl({ id: ca.id, format: "der", ifNoneMatch: crl.headers.get("etag")! });
  assert.ok(same.payload.notModified);
});

test("a thousand clients, forward and back, by pages and by items", async () => {
  const count = 1000;
  const { payload: ca } = await sdk.openvpn.createCa({ name: "pages", email: "ca@example.com" });
  await fill(ca.id, count);
  const pages = sdk.openvpn.getClientsSite2SitePages({ size: 100, caId: ca.id });
  const forward: number[] = [];
  while (pages.hasNext) forward.push(...(await pages.next()).payload.map((client) => client.id));
  assert.equal(new Set(forward).size, count);
  const back: number[] = [];
  while (pages.hasPrevious) back.unshift(...(await pages.previous()).payload.map((client) => client.id));
  assert.deepEqual(back, forward.slice(0, count - 100));
  const met: number[] = [];
  for await (const client of pages) met.push(client.id);
  assert.deepEqual(met, forward);
});
