import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BadRequestError, ConflictError, NoCredentialError, Sdk, UnauthorizedError, clientCredentials, oauth1,
  type AuthorizationSecrets, type Credential,
} from "@chaveiro/sdk";

const sdk = new Sdk({ language: "en" });
const devices =
  "hostname,ip,model,type,vendor,site,device_domain,device_tags,connectivities,session_remote_config,enabled\n" +
  'sdk-1,192.0.2.1,RedHat,Server,Linux,AWS,,"api,app",SSH:22,,true\nsdk-2,192.0.2.2,RedHat,Server,Linux,AWS,,,,,true\n';

test("devices are imported and exported as CSV", async () => {
  const { payload: counts } = await sdk.pam.importDevices({ content: devices });
  assert.deepEqual([counts.created, counts.failed], [2, 0]);
  const faulty = devices + ",192.0.2.3,RedHat,Server,Linux,AWS,,,,,true\n";
  await assert.rejects(sdk.pam.importDevices({ content: faulty }), (error) => {
    assert.ok(error instanceof ConflictError);
    return error.errors[0]!.field.includes("hostname");
  });
  const { payload: some } = await sdk.pam.importDevices({ content: new Blob([faulty]), atomic: false });
  assert.deepEqual([some.unchanged, some.failed, some.errors[0]!.line], [2, 1, 4]);
  const { payload: file } = await sdk.pam.exportDevices({ q: "sdk-" });
  assert.equal(file.mediaType, "text/csv");
  assert.match(file.name, /\.csv$/);
  assert.equal(await file.text(), devices);
  assert.deepEqual((await sdk.pam.getDevicesPages({ hostname: "sdk-1", enabled: false }).next()).payload, []);
});

test("items that are deleted when they are met are met once", async () => {
  const count = 7;
  for (let i = 0; i < count; i++) await sdk.pam.createDeviceDomain({ name: `moved-${i}.example` });
  let met = 0;
  for await (const domain of sdk.pam.getDeviceDomainsPages({ size: 2 })) {
    met++;
    await sdk.pam.deleteDeviceDomain({ id: domain.id });
  }
  assert.equal(met, count);
});

const ways: [string, string, (secrets: AuthorizationSecrets) => Credential][] = [
  ["OAuth 1.0 and HMAC-SHA256", "oauth1", (a) => oauth1({ ...keys(a) })],
  ["OAuth 1.0 and HMAC-SHA1", "oauth1", (a) => oauth1({ ...keys(a), method: "HMAC-SHA1" })],
  ["OAuth 2.0", "oauth2", (a) => clientCredentials(a.clientId, a.clientSecret)],
];

function keys(a: AuthorizationSecrets) {
  return { consumerKey: a.clientId, consumerSecret: a.clientSecret, token: a.token, tokenSecret: a.tokenSecret };
}

for (const [name, method, credential] of ways) {
  test(`devices by ${name}`, async () => {
    const { payload: application } = await sdk.pam.createApplication({ name, method });
    const made = await sdk.pam.createAuthorization({ applicationId: application.id, name: "live", write: true });
    await useVault(new Sdk({ vaultAuth: credential(made.payload) }), `vault ${name}`);
    const wrong = { ...made.payload, clientSecret: made.payload.clientSecret + "x" };
    await assert.rejects(new Sdk({ vaultAuth: credential(wrong) }).vault.getDevices(), UnauthorizedError);
  });
}

/** Registers a device, disables it, and meets the error of a device that there is not. */
async function useVault(vault: Sdk, hostname: string): Promise<void> {
  const device = { hostname, ip: "192.0.2.9", model: "RedHat", type: "Server", vendor: "Linux", site: "AWS", deviceTags: "a,b" };
  const { payload: created } = await vault.vault.createDevice(device);
  assert.equal(created.code, 201);
  assert.equal(created.device.hostname, hostname);
  const { payload: got } = await vault.vault.getDevice({ ref: hostname });
  assert.equal(got.device.deviceTags, "a, b");
  await vault.vault.disableDevice({ ref: got.device.id });
  await vault.vault.enableDevice({ ref: got.device.id });
  assert.ok((await vault.vault.getDevices()).payload.devices.length > 0);
  await assert.rejects(vault.vault.getDevice({ ref: "nowhere" }), (error) => {
    assert.ok(error instanceof BadRequestError);
    return error.exception?.code === 1011 && error.serverMessage !== "";
  });
}

test("a group without a credential says so", async () => {
  await assert.rejects(sdk.vault.getDevices(), NoCredentialError);
});
