import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import * as net from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { NetworkError, TimeoutError } from "@chaveiro/sdk";
import { nodeFetch } from "@chaveiro/sdk/node";
import { answer, connect, scopes, serve } from "./server.js";

const material = (name: string) => readFileSync(join(process.env["MATERIAL"]!, name), "utf8");
const caBundle = material("ca.crt");

async function listen(server: net.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => server.close());
  return (server.address() as net.AddressInfo).port;
}

/** Starts a proxy, which notes what it is asked for. */
async function startProxy(): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const proxy = http.createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"]}`);
    response.writeHead(200, { "content-type": "application/json", connection: "close" }).end(JSON.stringify(scopes));
  });
  proxy.on("connect", (request, socket: net.Socket) => {
    asked.push(`CONNECT ${request.url} ${request.headers["proxy-authorization"]}`);
    const [host, port] = request.url!.split(":");
    const onward = net.connect(Number(port), host, () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
    onward.pipe(socket).pipe(onward);
  });
  return { url: `http://maria:se%20nha@127.0.0.1:${await listen(proxy)}`, asked };
}

async function startSecure(): Promise<string> {
  const server = https.createServer({ cert: material("server.crt"), key: material("server.key") }, (_, response) =>
    answer(response, 200, scopes, { connection: "close" }),
  );
  return `https://127.0.0.1:${await listen(server)}`;
}

const basic = "Basic " + Buffer.from("maria:se nha").toString("base64");

test("a CA bundle decides which servers are trusted", async () => {
  const served = { url: await startSecure(), got: [] };
  assert.deepEqual((await connect(served, { fetch: nodeFetch({ caBundle }) }).sdk.auth.getScopes()).payload, scopes);
  await assert.rejects(connect(served, { fetch: nodeFetch(), retries: 0 }).sdk.auth.getScopes(), NetworkError);
});

test("a proxy is asked for http, and for a tunnel to https", async () => {
  const proxy = await startProxy();
  const fetch = nodeFetch({ proxy: proxy.url, caBundle });
  const secure = await startSecure();
  await connect({ url: "http://chaveiro.test", got: [] }, { fetch }).sdk.auth.getScopes();
  await connect({ url: secure, got: [] }, { fetch }).sdk.auth.getScopes();
  assert.deepEqual(proxy.asked, [
    `GET http://chaveiro.test/api/scopes ${basic}`, `CONNECT ${secure.slice("https://".length)} ${basic}`,
  ]);
  const untrusted = connect({ url: secure, got: [] }, { fetch: nodeFetch({ proxy: proxy.url }), retries: 0 });
  await assert.rejects(untrusted.sdk.auth.getScopes(), NetworkError);
  assert.throws(() => nodeFetch({ proxy: "nowhere" }), TypeError);
});

test("a connection that is not there in time is a TimeoutError, and tried again", async () => {
  const silent = await listen(net.createServer(() => undefined).on("connection", (socket) => socket.unref()));
  const fetch = nodeFetch({ connectTimeout: 50 });
  const { sdk, clock } = connect({ url: `https://127.0.0.1:${silent}`, got: [] }, { fetch, retries: 1 });
  const error = await sdk.auth.getScopes().catch((error: unknown) => error);
  assert.ok(error instanceof TimeoutError && error.connecting, String(error));
  assert.equal(clock.pauses.length, 1);
});

test("bodies and files go through, answers without a body too, and a time-out ends a call", async () => {
  const served = await serve((got, response, count) => {
    if (count > 4) return undefined;
    if (got.headers["if-none-match"]) return response.writeHead(304).end();
    return answer(response, 200, { created: 1, unchanged: 0, updated: 0, failed: 0, errors: [] });
  });
  const { sdk } = connect(served, { fetch: nodeFetch() });
  for (const content of ["a\n", new Blob(["a\n"]), new Blob(["a\n"]).stream() as ReadableStream<Uint8Array>]) {
    assert.equal((await sdk.pam.importDevices({ content })).payload.created, 1);
  }
  assert.deepEqual(served.got.map((got) => got.body), ["a\n", "a\n", "a\n"]);
  assert.ok((await sdk.openvpn.getCaCrl({ id: 1, ifNoneMatch: '"e"' })).payload.notModified);
  await assert.rejects(sdk.auth.getScopes({ timeout: 50 }), (error) => error instanceof TimeoutError && !error.connecting);
});
