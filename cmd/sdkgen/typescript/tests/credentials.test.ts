import assert from "node:assert/strict";
import { test } from "node:test";
import { UnauthorizedError, apikey, accessToken, clientCredentials, oauth1, password, type Credential } from "@chaveiro/sdk";
import { answer, connect, scopes, serve, type Got, type Served } from "./server.js";

/** A server that grants the tokens t1, t2 … and takes the last one only. */
async function granting(life = 300, extra: (grant: Record<string, string>) => object = () => ({})): Promise<Served & { exchanges: Got[] }> {
  const exchanges: Got[] = [];
  const served = await serve((got, response) => {
    if (got.url.endsWith("/oauth2/token")) {
      exchanges.push(got);
      const more = extra(JSON.parse(got.body) as Record<string, string>);
      if ("status" in more) return answer(response, more.status as number, {});
      return answer(response, 200, { access_token: `t${exchanges.length}`, expires_in: life, ...more });
    }
    const valid = got.headers.authorization === `Bearer t${exchanges.length}`;
    answer(response, valid ? 200 : 401, valid ? { ...scopes, code: 200 } : { errors: [] });
  });
  return { ...served, exchanges };
}

test("an apikey is exchanged once for callers at the same time, and anew before the token ends", async () => {
  const served = await granting();
  const { sdk, clock } = connect(served, { auth: apikey("key") });
  await Promise.all([1, 2, 3, 4].map(() => sdk.auth.getScopes()));
  assert.equal(served.exchanges.length, 1);
  assert.deepEqual(JSON.parse(served.exchanges[0]!.body), { grant_type: "refresh_token", refresh_token: "key" });
  assert.equal(served.exchanges[0]!.headers.authorization, undefined);
  clock.time += 269_000;
  await sdk.auth.getScopes();
  assert.equal(served.exchanges.length, 1);
  clock.time += 2_000;
  await sdk.auth.getScopes();
  assert.equal(served.exchanges.length, 2, "30 s before its end");
});

test("after a 401 the token is renewed, once in a call", async () => {
  const served = await granting();
  const { sdk } = connect(served, { auth: apikey("key") });
  await sdk.auth.getScopes();
  served.exchanges.push(served.exchanges[0]!); // the server has forgotten t1
  await sdk.auth.getScopes();
  assert.equal(served.exchanges.length, 3);
  const closed = await serve((got, response) => answer(response, got.url.endsWith("token") ? 200 : 401, { access_token: "t", expires_in: 300 }));
  await assert.rejects(connect(closed, { auth: apikey("key") }).sdk.auth.getScopes(), UnauthorizedError);
  assert.equal(closed.got.length, 4);
  const refused = await serve((_, response) => answer(response, 401, {}));
  await assert.rejects(connect(refused, { auth: accessToken("a") }).sdk.auth.getScopes(), UnauthorizedError);
  assert.equal(refused.got.length, 1, "a bare access token is not renewed");
});

test("a user's session is renewed by its refresh token, and begun anew when it has ended", async () => {
  let ended = false;
  const served = await granting(300, (grant) => {
    if (grant["grant_type"] === "refresh_token" && ended) return { status: 401 };
    return { refresh_token: "r" };
  });
  const { sdk, clock } = connect(served, { auth: password("maria", "senha") });
  await sdk.auth.getScopes();
  clock.time += 300_000;
  await sdk.auth.getScopes();
  ended = true;
  clock.time += 300_000;
  await sdk.auth.getScopes().catch(() => undefined); // the count of the test server is one too many
  const grants = served.exchanges.map((got) => JSON.parse(got.body) as Record<string, string>);
  assert.deepEqual(grants[0], { grant_type: "password", username: "maria", password: "senha" });
  assert.deepEqual(grants[1], { grant_type: "refresh_token", refresh_token: "r" });
  assert.deepEqual(grants.slice(2).map((grant) => grant["grant_type"]), ["refresh_token", "password"]);
});

test("client credentials are exchanged at the vault's address", async () => {
  const served = await granting();
  const { sdk } = connect(served, { vaultAuth: clientCredentials("id", "hidden") });
  await sdk.vault.getDevices();
  assert.equal(served.exchanges[0]!.url, "/iso/oauth2/token");
  assert.deepEqual(JSON.parse(served.exchanges[0]!.body), {
    grant_type: "client_credentials", client_id: "id", client_secret: "hidden",
  });
});

test("a caller that gives up leaves the exchange to the others", async () => {
  let release: (() => void) | undefined;
  const served = await serve((got, response) => {
    const done = () => answer(response, 200, { access_token: "t", expires_in: 300, scopes: [] });
    if (got.url.endsWith("token")) release = done;
    else done();
  });
  const { sdk } = connect(served, { auth: apikey("key") });
  const stop = new AbortController();
  const first = sdk.auth.getScopes({ signal: stop.signal });
  const second = sdk.auth.getScopes();
  while (!release) await new Promise((resolve) => setTimeout(resolve, 5));
  stop.abort(new Error("enough"));
  await assert.rejects(first, /^Error: enough$/);
  release();
  await second;
  assert.equal(served.got.length, 2);
});

test("each try of OAuth 1.0 has a nonce of its own, also the one after a 401", async () => {
  const served = await serve((_, response) => answer(response, 401, { code: 401, exception: { code: 1000, message: "Invalid" } }));
  const auth: Credential = oauth1({ consumerKey: "k", consumerSecret: "s", token: "t", tokenSecret: "u" });
  await assert.rejects(connect(served, { vaultAuth: auth }).sdk.vault.getDevices(), UnauthorizedError);
  const headers = new Set(served.got.map((got) => got.headers.authorization));
  assert.equal(headers.size, 2);
  for (const header of headers) assert.match(String(header), /^OAuth oauth_consumer_key="k", .*oauth_signature_method="HMAC-SHA256"/);
});
