import assert from "node:assert/strict";
import { test } from "node:test";
import { ForbiddenError, NotFoundError, Sdk, UnauthorizedError, apikey, password } from "@chaveiro/sdk";

const sdk = new Sdk({ language: "en" });

test("a user signs in, and is refused with a wrong password", async () => {
  const maria = new Sdk({ auth: password("maria", "uma senha bem longa") });
  const { payload } = await maria.auth.getUserInfo();
  assert.ok(payload.username === "maria" && payload.superuser);
  const wrong = new Sdk({ auth: password("maria", "outra") });
  await assert.rejects(wrong.auth.getUserInfo(), (error) => {
    assert.ok(error instanceof UnauthorizedError);
    assert.equal(error.operation, "createToken");
    return Boolean(error.requestId);
  });
});

test("apikeys with roles as ids and as objects, the audit that one of them reads, and a rotation", async () => {
  assert.ok((await sdk.auth.getScopes()).payload.scopes.length > 0);
  const role = await sdk.auth.createRole({ name: "auditor", scopes: [{ name: "audit", read: true, write: false }] });
  const roles = [role.payload.id];
  const { payload: key } = await sdk.auth.createApiKey({ name: "auditor", roles });
  assert.deepEqual(key.roles, [{ id: roles[0], name: "auditor" }]);
  assert.equal(key.expiresAt, null);
  assert.deepEqual((await sdk.auth.updateApiKey({ id: key.id, roles: [] })).payload.roles, []);
  const objects = await sdk.auth.updateApikey({ id: key.id, roles: [{ id: roles[0]! }] });
  assert.deepEqual(objects.payload.roles, key.roles);
  const said = (await sdk.auth.deleteApikeyDryRun({ id: key.id, self: true })).payload;
  assert.deepEqual([said.action, said.id, said.before!["name"]], ["delete", key.id, "auditor"]);

  const auditor = new Sdk({ auth: apikey(key.token) });
  const newest = { order: "desc", resource: "auth.apikeys", action: "create" } as const;
  const [event] = (await auditor.audit.getEventsPages(newest).next()).payload;
  assert.ok(event!.at instanceof Date);
  assert.equal(event!.after!["name"], "auditor");
  assert.equal(event!.before, null);
  assert.ok("allowed_ips" in event!.after!, "the names of what changed are data");
  assert.equal((await auditor.audit.getEvent({ id: event!.id })).payload.hash, event!.hash);
  await assert.rejects(auditor.openvpn.getCasPages().next(), ForbiddenError);

  const rotated = await sdk.auth.rotateApiKey({ id: key.id, overlap: 0 });
  assert.notEqual(rotated.payload.token, key.token);
  await sdk.auth.deleteApiKey({ id: key.id });
});

test("users are made, changed, listed and deleted", async () => {
  const { payload: made } = await sdk.auth.createUser({ username: "joana", password: "uma senha bem longa" });
  const changed = await sdk.auth.updateUser({ id: made.id, fullname: "Joana", email: "joana@example.com" });
  assert.ok(changed.payload.fullname === "Joana" && changed.payload.enabled);
  const names: string[] = [];
  for await (const user of sdk.auth.getUsersPages({ size: 1 })) names.push(user.username);
  assert.ok(names.includes("joana") && names.includes("maria"));
  await sdk.auth.deleteUser({ id: made.id });
  await assert.rejects(sdk.auth.deleteUser({ id: made.id }), NotFoundError);
});

test("an update leaves alone what is absent, and clears by null or by an empty value", async () => {
  const { payload: key } = await sdk.auth.createApiKey({
    name: "states", description: "text", rateLimit: 60, expiresAt: "2099-01-02T03:04:05Z",
  });
  assert.deepEqual(key.expiresAt, new Date("2099-01-02T03:04:05Z"));
  const same = (await sdk.auth.updateApiKey({ id: key.id, description: undefined })).payload;
  assert.ok(same.description === "text" && same.rateLimit === 60 && same.expiresAt);
  const cleared = (await sdk.auth.updateApiKey({ id: key.id, description: "", rateLimit: 0, expiresAt: "" })).payload;
  assert.ok(cleared.description === "" && cleared.rateLimit === null && cleared.expiresAt === null);
  await sdk.auth.updateApiKey({ id: key.id, description: null });
});
