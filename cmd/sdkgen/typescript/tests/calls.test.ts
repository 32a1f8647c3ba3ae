import assert from "node:assert/strict";
import { test } from "node:test";
import { DecodeError, NetworkError, NoCredentialError, Sdk, ServerError, TimeoutError, type RequestEvent } from "@chaveiro/sdk";
import { answer, connect, scopes, serve } from "./server.js";

test("names are in snake_case on the wire, undefined is absent and null is null", async () => {
  const served = await serve((_, response) => answer(response, 200, { id: 7, new_field: 1 }));
  const { sdk } = connect(served, { language: "pt-BR", userAgent: "test" });
  await sdk.auth.updateApikey({ id: 7, description: null, rateLimit: undefined, allowedIps: [], roles: [1, { id: 2 }] });
  const [got] = served.got;
  assert.equal(`${got!.method} ${got!.url}`, "PUT /api/3rdparty/apikeys/7");
  assert.deepEqual(JSON.parse(got!.body), { description: null, allowed_ips: [], roles: [1, { id: 2 }] });
  assert.equal(got!.headers.authorization, "Bearer secret");
  assert.equal(got!.headers["accept-language"], "pt-BR");
  assert.equal(got!.headers["user-agent"], "test");
  assert.equal(got!.headers["content-type"], "application/json");
  assert.equal(got!.headers["idempotency-key"], undefined);
});

test("headers are asked for at each call, and those of the call go before", async () => {
  const served = await serve((_, response) => answer(response, 200, { id: 7, new_field: 1 }));
  let calls = 0;
  const { sdk } = connect(served, { headers: () => ({ traceparent: `00-${++calls}`, "x-mine": "config" }) });
  await sdk.auth.updateApikey({ id: 7 });
  await sdk.auth.updateApikey({ id: 7 }, { headers: { "x-mine": "call" } });
  assert.deepEqual(served.got.map(({ headers }) => [headers["traceparent"], headers["x-mine"]]), [["00-1", "config"], ["00-2", "call"]]);
});

test("parameters go into the path and the query, escaped; what is empty is not sent", async () => {
  const served = await serve((_, response) => answer(response, 200, { clients: [], cursor: { current: 0, next: null, previous: null } }));
  const { sdk } = connect(served);
  await sdk.openvpn.getClientsSite2SitePages({ caId: 3, name: "a b&c", status: "" }).next();
  assert.equal(served.got[0]!.url, "/api/openvpn/clients/site2site?name=a+b%26c&ca_id=3");
  await sdk.vault.getDevice({ ref: "a/b ?" }).catch(() => undefined);
  assert.equal(served.got[1]!.url, "/iso/pam/device/a%2Fb%20%3F");
  for (const ref of [".", ".."]) await assert.rejects(sdk.vault.getDevice({ ref }), /ref is no name/);
  assert.equal(served.got.length, 2);
});

test("a parameter that is missing or not known is refused, and nothing is sent", async () => {
  const served = await serve((_, response) => answer(response, 200, {}));
  const { sdk } = connect(served);
  await assert.rejects(sdk.openvpn.getCa({} as { id: number }), TypeError);
  await assert.rejects(sdk.openvpn.getClientsSite2SitePages({ statu: "valid" } as object).next(), /no parameter statu/);
  assert.equal(served.got.length, 0);
});

test("a POST that takes no Idempotency-Key is sent once, without one", async () => {
  const served = await serve((_, response) => answer(response, 503, {}));
  const { sdk, clock } = connect(served);
  await assert.rejects(sdk.openvpn.createClientSite2SitePkcs12({ id: 1, password: "p" }), ServerError);
  assert.equal(served.got.length, 1);
  assert.equal(served.got[0]!.headers["idempotency-key"], undefined);
  assert.deepEqual(clock.pauses, []);
});

test("a POST that takes an Idempotency-Key is sent again with the same key, which is new for each call", async () => {
  const served = await serve((_, response) => answer(response, 503, {}));
  const { sdk } = connect(served);
  const create = (options = {}) => sdk.openvpn.createCa({ name: "a", email: "a@example.com" }, options);
  await assert.rejects(create(), ServerError);
  await assert.rejects(create(), ServerError);
  await assert.rejects(create({ idempotencyKey: "mine" }), ServerError);
  const keys = served.got.map((request) => request.headers["idempotency-key"]);
  assert.equal(keys.length, 9);
  assert.match(String(keys[0]), /^[!-~]{16,255}$/);
  assert.notEqual(keys[0], keys[3]);
  assert.deepEqual(keys, [keys[0], keys[0], keys[0], keys[3], keys[3], keys[3], "mine", "mine", "mine"]);
});

test("retries end after two, wait longer each time, and happen only where a further try may help", async () => {
  const busy = await serve((_, response) => answer(response, 502, "<html>", { "content-type": "text/html" }));
  const { sdk, clock } = connect(busy);
  await assert.rejects(sdk.auth.getScopes(), (error) => error instanceof ServerError && error.decode instanceof DecodeError);
  assert.equal(busy.got.length, 3);
  assert.deepEqual(clock.pauses, [250, 500]);
  await assert.rejects(sdk.auth.createToken({ grantType: "password", username: "u", password: "p" }), ServerError);
  assert.equal(busy.got.length, 4, "an exchange of tokens is not repeated");
  await assert.rejects(sdk.vault.createDevice({} as never), ServerError);
  assert.equal(busy.got.length, 7, "the vault's upsert is");
  const broken = await serve((_, response) => answer(response, 500, {}));
  await assert.rejects(connect(broken).sdk.auth.getScopes(), ServerError);
  assert.equal(broken.got.length, 1);
});

test("Retry-After is kept to, in seconds and as a date, within the time-out", async () => {
  const waits = ["7", "Wed, 04 Mar 2026 12:00:10 GMT", ""];
  const served = await serve((_, response, count) => {
    if (count > 2) return answer(response, 200, scopes);
    answer(response, 429, {}, { "retry-after": waits[count - 1]! });
  });
  const { sdk, clock } = connect(served);
  await sdk.auth.getScopes();
  assert.deepEqual(clock.pauses, [7000, 3000]);
  const late = await serve((_, response) => answer(response, 503, {}, { "retry-after": "3600" }));
  await assert.rejects(connect(late).sdk.auth.getScopes(), (error) => error instanceof ServerError && error.retryAfter === 3_600_000);
  assert.equal(late.got.length, 1);
});

test("a connection that breaks is a NetworkError, after further tries", async () => {
  const served = await serve((_, response) => response.destroy());
  const { sdk, clock } = connect(served, { retries: 1 });
  const error = await sdk.auth.getScopes().catch((error: unknown) => error);
  assert.ok(error instanceof NetworkError, String(error));
  assert.equal(error.operation, "getScopes");
  assert.equal(clock.pauses.length, 1);
  assert.ok(!error.message.includes(served.url), error.message);
});

test("a time-out and a cancellation end a call, also one that waits for its next try", async () => {
  const served = await serve(() => undefined);
  const { sdk } = connect(served);
  await assert.rejects(sdk.auth.getScopes({ timeout: 50 }), TimeoutError);
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("enough")), 50);
  await assert.rejects(sdk.auth.getScopes({ signal: stop.signal }), /^Error: enough$/);
  await assert.rejects(sdk.auth.getScopes({ signal: stop.signal }), /^Error: enough$/);
  assert.equal(served.got.length, 2);
  const busy = await serve((_, response) => answer(response, 503, {}, { "retry-after": "20" }));
  const waiting = new Sdk({ url: busy.url });
  const started = performance.now();
  const later = new AbortController();
  setTimeout(() => later.abort(new Error("enough")), 100);
  await assert.rejects(waiting.openvpn.getCaCrl({ id: 1 }, { signal: later.signal }), /^Error: enough$/);
  assert.ok(performance.now() - started < 10_000, "it waits no longer");
  assert.equal(busy.got.length, 1);
});

test("an answer that is no JSON is a DecodeError, and so is JSON of another shape", async () => {
  for (const body of ["<html>Sign in</html>", "[]", '"text"', '{"scopes":1}']) {
    const served = await serve((_, response) => answer(response, 200, body, { "content-type": "text/html" }));
    const error = await connect(served).sdk.auth.getScopes().catch((error: unknown) => error);
    assert.ok(error instanceof DecodeError, `${body}: ${error}`);
    assert.equal(error.mediaType, "text/html");
    assert.equal(error.body, body);
  }
});

test("hooks see each request and no secret", async () => {
  const served = await serve((_, response, count) => answer(response, count === 1 ? 503 : 200, scopes));
  const events: [string, RequestEvent][] = [];
  const { sdk } = connect(served, {
    before: (event) => void events.push(["before", event]),
    after: (event) => void events.push(["after", event]),
  });
  await sdk.auth.getScopes();
  const facts = { operation: "getScopes", method: "GET", path: "/api/scopes" };
  assert.deepEqual(events.map(([when, { duration, ...event }]) => [when, typeof duration, event.attempt, event.status]), [
    ["before", "undefined", 1, undefined], ["after", "number", 1, 503],
    ["before", "undefined", 2, undefined], ["after", "number", 2, 200],
  ]);
  for (const [, event] of events) assert.deepEqual({ ...facts, ...event }, event, "the facts");
  assert.equal(events[3]![1].requestId, "r-1");
  assert.ok(!JSON.stringify(events).includes("secret"));
});

test("the name of the SDK is sent, but not by browsers, which would ask the server for leave first", async () => {
  const served = await serve((_, response) => answer(response, 200, scopes));
  const { sdk } = connect(served);
  await sdk.auth.getScopes();
  const { process } = globalThis;
  try {
    Object.assign(globalThis, { process: undefined });
    await sdk.auth.getScopes();
  } finally {
    Object.assign(globalThis, { process });
  }
  assert.equal(served.got[0]!.headers["user-agent"], "chaveiro-typescript");
  assert.notEqual(served.got[1]!.headers["user-agent"], "chaveiro-typescript");
});

test("cookies of a browser are not sent", async () => {
  const served = await serve((_, response) => answer(response, 200, scopes));
  let credentials: string | undefined;
  const fetch: typeof globalThis.fetch = (input, init) => {
    credentials = init?.credentials;
    return globalThis.fetch(input, init);
  };
  await connect(served, { fetch }).sdk.auth.getScopes();
  assert.equal(credentials, "omit");
});

test("a redirect is not followed", async () => {
  const served = await serve((_, response) => answer(response, 302, "", { location: "/elsewhere" }));
  await assert.rejects(connect(served).sdk.auth.getScopes(), { status: 302 });
  assert.equal(served.got.length, 1);
});

test("the configuration is checked, and read from the environment", async () => {
  for (const url of [undefined, "chaveiro.example.com", "ftp://a", "https://a?b=1", "https://u:p@a"]) {
    assert.throws(() => new Sdk({ url }), TypeError, String(url));
  }
  const served = await serve((_, response) => answer(response, 200, { access_token: "a", expires_in: 300, scopes: [] }));
  await assert.rejects(new Sdk({ url: served.url }).auth.getScopes(), NoCredentialError);
  process.env["CHAVEIRO_URL"] = `${served.url}/`;
  process.env["CHAVEIRO_TOKEN"] = "key";
  await new Sdk().auth.getScopes();
  delete process.env["CHAVEIRO_URL"];
  delete process.env["CHAVEIRO_TOKEN"];
  assert.deepEqual(JSON.parse(served.got[0]!.body), { grant_type: "refresh_token", refresh_token: "key" });
});
