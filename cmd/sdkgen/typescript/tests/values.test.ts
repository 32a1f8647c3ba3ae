import assert from "node:assert/strict";
import { test } from "node:test";
import {
  BadRequestError, ChaveiroError, ConflictError, ForbiddenError, NotFoundError, RateLimitedError, ServerError,
  StatusError, UnauthorizedError,
} from "@chaveiro/sdk";
import { ObjectShape, decode, encode } from "#sdk/codec.js";
import { answer, connect, serve } from "./server.js";

const inner = new ObjectShape(() => ({ created_at: ["createdAt", "date"] }));
const shape: ObjectShape = new ObjectShape(() => ({
  ca_id: ["caId"], items: ["items", { list: inner }], by_name: ["byName", { map: inner }], before: ["before"],
  self: ["self", shape],
}));
const instant = new Date("2026-01-02T03:04:05.678Z");
const text = "2026-01-02T03:04:05.678Z";

test("values of the wire become those of the SDK, and back", () => {
  const wire = {
    ca_id: 1, items: [{ created_at: text }, { created_at: null }], by_name: { a_b: { created_at: text } },
    before: { some_name: 1 }, self: { ca_id: 2 },
  };
  const value = {
    caId: 1, items: [{ createdAt: instant }, { createdAt: null }], byName: { a_b: { createdAt: instant } },
    before: { some_name: 1 }, self: { caId: 2 },
  };
  assert.deepEqual(decode(wire, shape), value);
  assert.deepEqual(encode(value, shape), wire);
});

test("what a newer server adds is kept, and may be sent", () => {
  assert.deepEqual(decode({ ca_id: 1, new_field: { an_a: 1 } }, shape), { caId: 1, newField: { an_a: 1 } });
  assert.deepEqual(encode({ caId: 1, newField: true, ca_id2: undefined }, shape), { ca_id: 1, new_field: true });
});

test("names of objects do not reach the prototype", () => {
  const value = decode(JSON.parse('{"__proto__":{"polluted":1},"ca_id":1}'), shape) as Record<string, unknown>;
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal(value["polluted"], undefined);
  assert.deepEqual(decode({ to_string: 1 }, shape), { toString: 1 });
  const named = '{"by_name":{"__proto__":{"created_at":null}}}';
  const { byName } = decode(JSON.parse(named), shape) as { byName: object };
  assert.deepEqual(Object.keys(byName), ["__proto__"]);
  assert.equal(JSON.stringify(encode({ byName }, shape)), named);
});

test("a value of another shape is no answer", () => {
  for (const wire of [{ items: 1 }, { items: { a: 1 } }, { by_name: [] }, { items: [{ created_at: "soon" }] }, "text", []]) {
    assert.throws(() => decode(wire, shape), TypeError, JSON.stringify(wire));
  }
});

test("each family of a status has its class, and is a StatusError", async () => {
  for (const [status, family] of [
    [400, BadRequestError], [401, UnauthorizedError], [403, ForbiddenError], [404, NotFoundError], [409, ConflictError],
    [429, RateLimitedError], [500, ServerError], [503, ServerError], [418, StatusError],
  ] as const) {
    const body = { errors: [{ field: "name", type: "duplicated", msg: "in use" }, { type: "rule", msg: "no" }] };
    const served = await serve((_, response) => answer(response, status, body));
    const error = await connect(served, { retries: 0 }).sdk.auth.getScopes().catch((error: unknown) => error);
    assert.ok(error instanceof family && error instanceof StatusError && error instanceof ChaveiroError, String(error));
    assert.equal(error.constructor, family);
    assert.equal(error.name, family.name);
    assert.equal(error.status, status);
    assert.equal(error.requestId, "r-1");
    assert.deepEqual(error.errors[0], body.errors[0]);
    assert.equal(error.message, `chaveiro: getScopes: status ${status}: name: duplicated: in use; rule: no`);
  }
});

test("an error of the vault has its exception, and one of OAuth its description", async () => {
  const served = await serve((got, response) => {
    if (got.url === "/api/scopes") return answer(response, 400, { error: "invalid_grant", error_description: "why" });
    answer(response, 400, { code: 400, exception: { code: 1011, message: "there is none" } });
  });
  const { sdk } = connect(served);
  const vault = await sdk.vault.getDevice({ ref: "a" }).catch((error: unknown) => error);
  assert.ok(vault instanceof BadRequestError);
  assert.deepEqual(vault.exception, { code: 1011, message: "there is none" });
  assert.equal(vault.serverMessage, "there is none");
  await assert.rejects(sdk.auth.getScopes(), { serverMessage: "why" });
});

test("a file has its bytes, media type and name", async () => {
  const bytes = Buffer.from([0x30, 0x82, 0, 0xff, 0xfe]);
  const served = await serve((got, response) => {
    if (got.headers["if-none-match"]) return response.writeHead(304).end();
    response.writeHead(200, {
      "content-type": "application/pkix-crl; x=1", "content-disposition": 'attachment; filename="ca \\"1\\".crl"', etag: '"e"',
    });
    return response.end(bytes);
  });
  const { sdk } = connect(served);
  const { payload: file } = await sdk.openvpn.getCaCrl({ id: 1, format: "der" });
  assert.equal(file.name, 'ca "1".crl');
  assert.equal(file.mediaType, "application/pkix-crl");
  assert.deepEqual(Buffer.from(await file.bytes()), bytes);
  assert.equal(served.got[0]!.headers.authorization, undefined, "it needs no credential");
  const same = (await sdk.openvpn.getCaCrl({ id: 1, ifNoneMatch: file.headers.get("etag")! })).payload;
  assert.ok(same.notModified && (await same.bytes()).length === 0);
  const streamed = (await sdk.openvpn.getCaCrl({ id: 1 })).payload;
  let length = 0;
  for await (const part of streamed.stream!) length += part.length;
  assert.equal(length, bytes.length);
});

test("content is sent as it is, of a stream too, which can't be sent again", async () => {
  const served = await serve((_, response) => answer(response, 503, {}));
  const { sdk } = connect(served);
  const stream = new Blob(["a,b\n"]).stream() as ReadableStream<Uint8Array>;
  await assert.rejects(sdk.pam.importDevices({ content: stream, atomic: false }), ServerError);
  assert.equal(served.got.length, 1);
  assert.equal(served.got[0]!.body, "a,b\n");
  assert.match(served.got[0]!.url, /\?atomic=false$/);
  assert.equal(served.got[0]!.headers["content-type"], "text/csv");
  await assert.rejects(sdk.pam.importDevices({ content: new TextEncoder().encode("c\n") }), ServerError);
  assert.deepEqual(served.got.slice(1).map((got) => got.body), ["c\n", "c\n", "c\n"]);
});
