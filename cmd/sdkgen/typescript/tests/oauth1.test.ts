import assert from "node:assert/strict";
import { test } from "node:test";
import { baseString, oauth1Header } from "#sdk/oauth1.js";

/** The credentials of RFC 5849, section 1.2. */
const rfc = {
  consumerKey: "dpf43f3p2l4k3l03", consumerSecret: "kd94hf93k423kf44", token: "nnch734d00sl2jdk",
  tokenSecret: "pfkkdhi9sl3r4s00",
};

function signature(header: string): string {
  return decodeURIComponent(/oauth_signature="([^"]*)"$/.exec(header)?.[1] ?? "");
}

test("the base string of RFC 5849, section 3.4.1.1", () => {
  const parameters: [string, string][] = [
    ["c2", ""], ["a3", "2 q"], ["oauth_consumer_key", "9djdj82h48djs9d2"], ["oauth_token", "kkk9d7dh3k39sjv7"],
    ["oauth_signature_method", "HMAC-SHA1"], ["oauth_timestamp", "137131201"], ["oauth_nonce", "7d8f3e4a"],
  ];
  assert.equal(
    baseString("post", "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", parameters),
    "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D" +
      "%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1" +
      "%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7",
  );
});

test("the addresses of RFC 5849, section 3.4.1.2", () => {
  for (const [url, want] of [
    ["http://EXAMPLE.COM:80/r%20v/X?id=123", "http://example.com/r%20v/X"],
    ["https://www.example.net:8080/?q=1", "https://www.example.net:8080/"],
    ["https://vault.example.com:443", "https://vault.example.com/"],
    ["https://vault.example.com/iso/a%2Fb/c", "https://vault.example.com/iso/a%2Fb/c"],
  ]) {
    assert.equal(decodeURIComponent(baseString("GET", url!, []).split("&")[1]!), want);
  }
});

test("the signatures of RFC 5849, section 1.2", async () => {
  const photo = "http://photos.example.net/photos?file=vacation.jpg&size=original";
  const one = await oauth1Header({ ...rfc, method: "HMAC-SHA1" }, "GET", photo, "137131202", "chapoH", [], false);
  assert.equal(signature(one), "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
  const token = { ...rfc, token: "hh5s93j4hdidpola", tokenSecret: "hdhd0244k9j7ao03", method: "HMAC-SHA1" as const };
  const verifier: [string, string][] = [["oauth_verifier", "hfdp7dh39dks9884"]];
  const two = await oauth1Header(token, "POST", "https://photos.example.net/token", "137131201", "walatlh", verifier, false);
  assert.equal(signature(two), "gKgrFCywp7rO0OXSjdot/IHF7IU=");
});

test("both methods make the header that the Go SDK makes", async () => {
  for (const [method, want] of [
    ["HMAC-SHA1", "euZi1pi6AKBl7UD0D1JNdIu1t/c="],
    [undefined, "VzATg488JN+OBH0W6RegYhzLw51yB3FwhAYrTMgX384="],
  ] as const) {
    const url = "https://vault.example.com/iso/pam/device?a=1";
    const header = await oauth1Header({ ...rfc, method }, "POST", url, "1772625600", "chapoH");
    assert.match(header, /^OAuth oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk", /);
    assert.equal(signature(header), want);
  }
});
