import type { Credential } from "./credentials.js";

/** Where the server is, who calls, and how. What is left out has the default that is given. */
export interface Config {
  /** The address of the server, as https://chaveiro.example.com. Default: CHAVEIRO_URL. */
  url?: string | undefined;
  /**
   * The credential of all groups but vault: apikey, password or accessToken. Default: the apikey in
   * CHAVEIRO_TOKEN; without it only calls that need no credential succeed.
   */
  auth?: Credential | undefined;
  /** The credential of vault: clientCredentials, oauth1 or accessToken. */
  vaultAuth?: Credential | undefined;
  /** The language of messages: "pt-BR" or "en". Default: the server's choice. */
  language?: string | undefined;
  /** Sent with every request. Default: the name of this SDK; browsers send their own. */
  userAgent?: string | undefined;
  /**
   * Sends the requests. Default: the platform's fetch. For a proxy, a CA bundle and a time-out of
   * connections in Node see nodeFetch of "@chaveiro/sdk/node"; browsers have their own settings.
   */
  fetch?: typeof globalThis.fetch | undefined;
  /** How long a call may take with all its tries, in ms; reading a file is not counted. Default: 60 000. */
  timeout?: number | undefined;
  /** How often a call is tried again, where that can do no harm. Default: 2. */
  retries?: number | undefined;
  /**
   * Further headers of each call, as traceparent of the span that is active. Those of a call's own options
   * go before.
   */
  headers?: (() => Record<string, string>) | undefined;
  /** Called before each request. An event has no secret, no body and no value of a query. */
  before?: ((event: RequestEvent) => void | Promise<void>) | undefined;
  /** Called after each request. */
  after?: ((event: RequestEvent) => void | Promise<void>) | undefined;
  /** The time and chance that retries and tokens go by. Default: the platform's. */
  clock?: Partial<Clock> | undefined;
}

/** One request, for logs and traces. */
export interface RequestEvent {
  /** The operationId, as createCa. */
  operation: string;
  method: string;
  /** With {id} instead of an id. */
  path: string;
  /** From 1. */
  attempt: number;
  /** After the request: the status of the answer, if there is one. */
  status?: number;
  /** After the request: how long it took, in ms. */
  duration?: number;
  /** After the request: X-Request-Id of the answer. */
  requestId?: string | undefined;
  /** After the request: why there is no answer. */
  error?: unknown;
}

/** Time and chance. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** From 0 to 1. */
  random(): number;
  /** Resolves after some ms. It rejects with the signal's reason when that is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The platform's time and chance. */
export const systemClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener("abort", stop);
        resolve();
      }, ms);
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
    });
  },
};

interface Process {
  env?: Record<string, string | undefined>;
  versions?: { node?: string };
}

/** Returns a variable of the environment; undefined where there is none, as in browsers. */
export function environment(name: string): string | undefined {
  return (globalThis as { process?: Process }).process?.env?.[name] || undefined;
}

/** Returns whether this is a server's JavaScript, and no browser's. */
export function inNode(): boolean {
  return (globalThis as { process?: Process }).process?.versions?.node !== undefined;
}

/** Checks the address of a server, and returns it without a final slash. */
export function baseUrl(text: string | undefined): string {
  let url: URL;
  try {
    url = new URL(text ?? "");
  } catch {
    throw new TypeError("chaveiro: the URL of the server must be an http or https address");
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new TypeError("chaveiro: the URL of the server must be an http or https address");
  }
  if (url.username || url.password || url.search || url.hash) {
    throw new TypeError("chaveiro: the URL of the server must have neither a user nor a query");
  }
  return url.href.replace(/\/+$/, "");
}
