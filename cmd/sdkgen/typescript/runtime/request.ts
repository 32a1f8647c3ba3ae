import { encode, type Shape } from "./codec.js";

/** What may be sent as it is. A stream can be sent once, so that its call is never tried again. */
export type Content = string | Uint8Array | Blob | ReadableStream<Uint8Array>;

/** What a caller may change of one call. */
export interface CallOptions {
  /** Cancels the call, also between two tries, and the reading of a file. */
  signal?: AbortSignal | undefined;
  /** Instead of Config.timeout, in ms. */
  timeout?: number | undefined;
  /** Instead of Config.language. */
  language?: string | undefined;
  /**
   * Sent instead of a random one. With the same key and body, the server answers for 24 hours as it
   * did the first time, and does nothing again.
   */
  idempotencyKey?: string | undefined;
  /** Further headers. */
  headers?: Record<string, string> | undefined;
}

/** An operation of the document: a request and its answer. */
export interface Operation {
  /** The operationId. */
  id: string;
  method: string;
  /** With {id}. */
  path: string;
  /** safe: doing it twice is doing it once; keyed: that is so with an Idempotency-Key. */
  retry: "safe" | "keyed" | "never";
  /** The parameters of the path by their names on the wire, as all that follow. */
  args?: Record<string, string>;
  query?: Record<string, string>;
  header?: Record<string, string>;
  /** The body is JSON of a shape. */
  json?: { shape?: Shape };
  /** The body is the field content, of this media type. */
  content?: string;
  /** Media types, separated by commas. */
  accept?: string;
  /** The shape of the answer. */
  answer?: Shape;
  /** The answer is a file. */
  file?: boolean;
  /** The answer has no body. */
  empty?: boolean;
  /** Of the vault's dialect. */
  vault?: boolean;
  /** Needs no credential. */
  open?: boolean;
}

/** A request before it is signed. */
export interface Prepared {
  method: string;
  url: string;
  headers: Headers;
  body: Content | undefined;
}

/** Returns the request of a call. It throws a TypeError when a parameter is missing or not known. */
export function prepare(operation: Operation, base: string, given: object): Prepared {
  const rest = new Map<string, unknown>(Object.entries(given));
  const headers = new Headers();
  let path = operation.path;
  for (const [wire, name] of Object.entries(operation.args ?? {})) {
    const value = rest.get(name);
    if (!isScalar(value) || value === "") throw new TypeError(`chaveiro: ${operation.id}: ${name} is missing`);
    path = path.replace(`{${wire}}`, () => segment(operation, name, scalar(value)));
    rest.delete(name);
  }
  const query = new URLSearchParams();
  take(rest, operation.query, (name, value) => query.set(name, value));
  take(rest, operation.header, (name, value) => headers.set(name, value));
  const body = takeBody(operation, rest, headers);
  // A resource that was read names itself, as in revokeClient(client): its other fields are left out.
  const strict = operation.query !== undefined || operation.header !== undefined || operation.content !== undefined;
  if (strict && operation.json === undefined && rest.size > 0) {
    throw new TypeError(`chaveiro: ${operation.id}: there is no parameter ${[...rest.keys()].join(", ")}`);
  }
  if (operation.accept !== undefined) headers.set("accept", operation.accept);
  const separator = path.includes("?") ? "&" : "?"; // a dry run has one
  return { method: operation.method, url: base + path + (query.size > 0 ? `${separator}${query}` : ""), headers, body };
}

/** Moves parameters to where they are sent. One that is undefined, null or empty is not sent. */
function take(
  rest: Map<string, unknown>, names: Record<string, string> | undefined, set: (name: string, value: string) => void,
): void {
  for (const [wire, name] of Object.entries(names ?? {})) {
    const value = rest.get(name);
    if (isScalar(value) && value !== "") set(wire, scalar(value));
    else if (value !== undefined && value !== null && value !== "") {
      throw new TypeError(`chaveiro: the parameter ${name} is no single value`);
    }
    rest.delete(name);
  }
}

function takeBody(operation: Operation, rest: Map<string, unknown>, headers: Headers): Content | undefined {
  if (operation.json !== undefined) {
    headers.set("content-type", "application/json");
    return JSON.stringify(encode(Object.fromEntries(rest), operation.json.shape));
  }
  if (operation.content === undefined) return undefined;
  headers.set("content-type", operation.content);
  const content = rest.get("content");
  rest.delete("content");
  if (content === undefined || content === null) throw new TypeError(`chaveiro: ${operation.id}: content is missing`);
  return content as Content;
}

function isScalar(value: unknown): value is string | number | boolean | Date {
  return value instanceof Date || ["string", "number", "boolean"].includes(typeof value);
}

function scalar(value: string | number | boolean | Date): string {
  return value instanceof Date ? value.toISOString() : String(value);
}

/** Escapes a segment of a path. One or two dots alone would lead elsewhere, also when they are escaped. */
function segment(operation: Operation, name: string, value: string): string {
  if (value === "." || value === "..") throw new TypeError(`chaveiro: ${operation.id}: ${name} is no name`);
  return encodeURIComponent(value);
}
