/** The request is not one of the webhook: a header is missing, its time is too far away, or no signature is good. */
export class WebhookError extends Error {
  override readonly name = "WebhookError";
}

/** What a webhook sends. */
export interface WebhookMessage {
  /** The same in each attempt and replay, so that a receiver can tell what it has done already. */
  id: string;
  type: string;
  timestamp: string;
  /** The event as it was sent, with the names of the wire; of a message of the type ping something else. */
  data: Record<string, unknown>;
}

/** How a request is verified. */
export interface VerifyWebhookOptions {
  /** How many seconds the time of the request may be from now. Default: 300. */
  tolerance?: number | undefined;
  /** The time in ms, for tests. Default: Date.now(). */
  now?: number | undefined;
}

type Headers = { get(name: string): string | null } | Record<string, string | string[] | undefined>;

/**
 * Returns the message of a request of a webhook, in the form of Standard Webhooks, or throws a WebhookError. The body
 * has to be what has arrived, octet by octet. The keys are those that the service has shown, as whsec_…; during a
 * rotation both. A key that can't be read is a TypeError.
 */
export async function verifyWebhook(
  body: string | Uint8Array, headers: Headers, keys: string | readonly string[], options: VerifyWebhookOptions = {},
): Promise<WebhookMessage> {
  const octets = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const id = headerOf(headers, "webhook-id");
  const at = headerOf(headers, "webhook-timestamp");
  checkTime(at, options);
  const signatures = signaturesOf(headerOf(headers, "webhook-signature"));
  if (id === "" || signatures.length === 0) throw new WebhookError("a header is missing");
  const head = new TextEncoder().encode(`${id}.${at}.`);
  const content = new Uint8Array(head.length + octets.length);
  content.set(head);
  content.set(octets, head.length);
  let good = false;
  for (const key of typeof keys === "string" ? [keys] : keys) {
    const secret = await crypto.subtle.importKey(
      "raw", keyOctets(key), { name: "HMAC", hash: "SHA-256" }, false, ["verify"],
    );
    for (const signature of signatures) {
      // verify compares in constant time.
      good = (await crypto.subtle.verify("HMAC", secret, signature, content)) || good;
    }
  }
  if (!good) throw new WebhookError("no signature is good");
  return messageOf(id, octets);
}

function headerOf(headers: Headers, name: string): string {
  if (typeof headers.get === "function") return (headers as { get(name: string): string | null }).get(name) ?? "";
  for (const [key, value] of Object.entries(headers as Record<string, string | string[] | undefined>)) {
    if (key.toLowerCase() === name) return Array.isArray(value) ? value.join(" ") : (value ?? "");
  }
  return "";
}

function checkTime(text: string, options: VerifyWebhookOptions): void {
  if (!/^\d{1,15}$/.test(text)) throw new WebhookError("it has no time");
  const away = Math.abs((options.now ?? Date.now()) / 1000 - Number(text));
  if (away > (options.tolerance ?? 300)) throw new WebhookError("it is too old or too new");
}

function keyOctets(key: string): Uint8Array<ArrayBuffer> {
  const octets = fromBase64(key.replace(/^whsec_/, ""));
  if (octets === undefined || octets.length === 0) throw new TypeError("a key of the webhook is not whsec_ and base64");
  return octets;
}

/** Reads the signatures of version 1; others are left out. */
function signaturesOf(text: string): Uint8Array<ArrayBuffer>[] {
  const found: Uint8Array<ArrayBuffer>[] = [];
  for (const one of text.split(/\s+/)) {
    const [version, encoded] = one.split(",", 2);
    const octets = version === "v1" ? fromBase64(encoded ?? "") : undefined;
    if (octets !== undefined) found.push(octets);
  }
  return found;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  try {
    return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function messageOf(id: string, octets: Uint8Array): WebhookMessage {
  let read: Record<string, unknown>;
  try {
    read = JSON.parse(new TextDecoder().decode(octets)) as Record<string, unknown>;
  } catch {
    throw new WebhookError("the body is no JSON");
  }
  return {
    id, type: String(read["type"] ?? ""), timestamp: String(read["timestamp"] ?? ""),
    data: (read["data"] ?? {}) as Record<string, unknown>,
  };
}
