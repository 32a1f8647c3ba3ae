import assert from "node:assert/strict";
import { test } from "node:test";
import { verifyWebhook, WebhookError } from "#sdk/index.js";

// The example that Standard Webhooks publishes.
const key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const other = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const at = 1614265330;
const body = '{"test": 2432232314}';
const signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const sent = { "Webhook-Id": id, "webhook-timestamp": String(at), "WEBHOOK-SIGNATURE": signature };

test("the example is accepted, with each key, form of headers and body, and within the tolerance", async () => {
  for (const keys of [key, [key], [other, key], key.slice(6)]) {
    for (const now of [at, at + 300, at - 300]) {
      for (const headers of [sent, new Headers(sent), { ...sent, "WEBHOOK-SIGNATURE": ["v1,AAAA v2,x v1a,%", signature] }]) {
        for (const text of [body, new TextEncoder().encode(body)]) {
          const got = await verifyWebhook(text, headers, keys, { now: now * 1000 });
          assert.deepEqual(got, { id, type: "", timestamp: "", data: {} });
        }
      }
    }
  }
});

test("anything else is refused", async () => {
  const cases: [string, Record<string, string>, string | string[], number][] = [
    [body, {}, key, at + 301],
    [body, {}, key, at - 301],
    [body, {}, other, at],
    [body, {}, [], at],
    [body + " ", {}, key, at],
    [body, { "Webhook-Id": id + "x" }, key, at],
    [body, { "Webhook-Id": "" }, key, at],
    [body, { "webhook-timestamp": String(at + 1) }, key, at],
    [body, { "webhook-timestamp": "" }, key, at],
    [body, { "webhook-timestamp": "x" }, key, at],
    [body, { "WEBHOOK-SIGNATURE": "" }, key, at],
    [body, { "WEBHOOK-SIGNATURE": "v2" + signature.slice(2) }, key, at],
    [body, { "WEBHOOK-SIGNATURE": signature.slice(0, 19) }, key, at],
    [body, { "WEBHOOK-SIGNATURE": "v1," }, key, at],
  ];
  for (const [text, changes, keys, now] of cases) {
    await assert.rejects(verifyWebhook(text, { ...sent, ...changes }, keys, { now: now * 1000 }), WebhookError);
  }
});

test("a key has to be readable", async () => {
  for (const one of ["whsec_%", "whsec_"]) {
    await assert.rejects(verifyWebhook(body, sent, one, { now: at * 1000 }), TypeError);
  }
});
