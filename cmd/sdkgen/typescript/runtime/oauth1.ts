import type { Credential } from "./credentials.js";

/** The credentials of an authorization whose application has the method oauth1. */
export interface OAuth1Options {
  /** client_id of the authorization. */
  consumerKey: string;
  /** client_secret of the authorization. */
  consumerSecret: string;
  token: string;
  tokenSecret: string;
  /** Default: HMAC-SHA256. HMAC-SHA1 is of RFC 5849, section 3.4.2. */
  method?: "HMAC-SHA256" | "HMAC-SHA1" | undefined;
}

type Pair = readonly [name: string, value: string];

/** Signs requests as RFC 5849 says, in the header Authorization. */
export function oauth1(options: OAuth1Options): Credential {
  return (client) => ({
    // The body is not signed: it is no form (section 3.4.1.3.1).
    async sign({ method, url, headers }) {
      const timestamp = String(Math.floor(client.clock.now() / 1000));
      headers.set("authorization", await oauth1Header(options, method, url, timestamp, randomText()));
    },
    // Once more: the nonce may have been used up by a try whose answer was lost.
    refused: () => true,
  });
}

/** Returns the header Authorization (section 3.5.1) for a request with the given parameters of a form. */
export async function oauth1Header(
  options: OAuth1Options, method: string, url: string, timestamp: string, nonce: string, form: Pair[] = [],
  version = true,
): Promise<string> {
  const parameters: Pair[] = [
    ["oauth_consumer_key", options.consumerKey],
    ["oauth_token", options.token],
    ["oauth_signature_method", options.method ?? "HMAC-SHA256"],
    ["oauth_timestamp", timestamp],
    ["oauth_nonce", nonce],
  ];
  if (version) parameters.push(["oauth_version", "1.0"]);
  const signature = await sign(options, baseString(method, url, [...parameters, ...form]));
  parameters.push(["oauth_signature", signature]);
  return "OAuth " + parameters.map(([name, value]) => `${escape(name)}="${escape(value)}"`).join(", ");
}

/** Signs a base string (section 3.4.2). */
async function sign(options: OAuth1Options, base: string): Promise<string> {
  const secret = new TextEncoder().encode(`${escape(options.consumerSecret)}&${escape(options.tokenSecret)}`);
  const hash = options.method === "HMAC-SHA1" ? "SHA-1" : "SHA-256";
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash }, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(base));
  return btoa(String.fromCharCode(...new Uint8Array(signature)));
}

/** Returns what is signed (section 3.4.1), of the parameters that are not in the query. */
export function baseString(method: string, url: string, parameters: Pair[]): string {
  const target = new URL(url); // it has no port that is the scheme's own, and a host in lower case
  const all = [...target.searchParams, ...parameters]
    .map(([name, value]): Pair => [escape(name), escape(value)])
    .sort(([a, x], [b, y]) => compare(a, b) || compare(x, y))
    .map(([name, value]) => `${name}=${value}`);
  return [method.toUpperCase(), escape(target.origin + target.pathname), escape(all.join("&"))].join("&");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Escapes everything but letters, digits, "-", ".", "_" and "~" (section 3.6). */
function escape(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => "%" + c.charCodeAt(0).toString(16).toUpperCase());
}

/** Returns 128 random bits as text. */
export function randomText(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}
