import { ChaveiroError, UnauthorizedError } from "./errors.js";
import type { Client } from "./client.js";
import type { Operation } from "./request.js";

/** A credential: of apikey, password, accessToken, clientCredentials or oauth1. */
export type Credential = (client: Client) => Signer;

/** What a signer sees of a request. */
export interface Signable {
  method: string;
  url: string;
  headers: Headers;
}

/** Puts a credential on requests. It is the one place where that happens. */
export interface Signer {
  /** Signs a request before it is sent. */
  sign(request: Signable, signal: AbortSignal): Promise<void>;
  /** Is told that a signed request was answered with 401, and returns whether signing anew may help. */
  refused(request: Signable): boolean;
}

type Grant = (refresh: string | undefined) => Record<string, string>;

/** The token of an apikey. It is exchanged for access tokens. */
export function apikey(token: string): Credential {
  return (client) => new Tokens(client, apiToken, () => ({ grant_type: "refresh_token", refresh_token: token }));
}

/** A user of the server. It begins a session, which is renewed by its refresh token. */
export function password(username: string, password: string): Credential {
  const grant: Grant = (refresh) =>
    refresh === undefined
      ? { grant_type: "password", username, password }
      : { grant_type: "refresh_token", refresh_token: refresh };
  return (client) => new Tokens(client, apiToken, grant, true);
}

/**
 * The credentials of an authorization whose application has the method oauth2. They are exchanged
 * for access tokens (RFC 6749, section 4.4).
 */
export function clientCredentials(id: string, secret: string): Credential {
  const grant = { grant_type: "client_credentials", client_id: id, client_secret: secret };
  return (client) => new Tokens(client, vaultToken, () => grant);
}

/** An access token. It is used until it ends, and not renewed. */
export function accessToken(token: string): Credential {
  return () => ({
    async sign({ headers }) {
      headers.set("authorization", `Bearer ${token}`);
    },
    refused: () => false,
  });
}

/** An exchange is tried again like a GET: a token that nobody got harms nobody. */
function exchange(path: string, vault: boolean): Operation {
  return { id: "createToken", method: "POST", path, retry: "safe", accept: "application/json", json: {}, open: true, vault };
}

const apiToken = exchange("/api/oauth2/token", false);
const vaultToken = exchange("/iso/oauth2/token", true);

/** How long before its end a token is renewed, in ms; of a short life it is a tenth. */
const renewalMargin = 30_000;

/** What both dialects answer to an exchange; a life is in seconds. */
interface Granted {
  access_token?: unknown;
  refresh_token?: unknown;
  expires_in?: unknown;
}

/**
 * Signs with access tokens. It exchanges the credential for one when there is none, shortly before
 * one ends, and after one was refused; one exchange at a time, for all callers.
 */
class Tokens implements Signer {
  readonly #client: Client;
  readonly #operation: Operation;
  readonly #grant: Grant;
  readonly #session: boolean;
  #access: string | undefined;
  #refresh: string | undefined;
  #renewal = 0;
  #running: Promise<void> | undefined;

  constructor(client: Client, operation: Operation, grant: Grant, session = false) {
    this.#client = client;
    this.#operation = operation;
    this.#grant = grant;
    this.#session = session;
  }

  async sign({ headers }: Signable, signal: AbortSignal): Promise<void> {
    if (this.#access === undefined || this.#client.clock.now() >= this.#renewal) {
      this.#running ??= this.#renew().finally(() => (this.#running = undefined));
      await unlessAborted(this.#running, signal);
    }
    headers.set("authorization", `Bearer ${this.#access}`);
  }

  /** Forgets the token of a request, unless another caller has renewed it meanwhile. */
  refused({ headers }: Signable): boolean {
    if (headers.get("authorization") === `Bearer ${this.#access}`) this.#access = undefined;
    return true;
  }

  /** Exchanges the credential. A session that has ended is begun anew. */
  async #renew(): Promise<void> {
    const asked = this.#client.clock.now();
    let answer: Granted;
    try {
      answer = await this.#exchange(this.#refresh);
    } catch (error) {
      if (!(error instanceof UnauthorizedError) || this.#refresh === undefined) throw error;
      this.#refresh = undefined;
      answer = await this.#exchange(undefined);
    }
    if (typeof answer?.access_token !== "string") {
      throw new ChaveiroError(this.#operation.id, "the answer has no access token");
    }
    const life = 1000 * (Number(answer.expires_in) || 0);
    this.#access = answer.access_token;
    if (this.#session && typeof answer.refresh_token === "string") this.#refresh = answer.refresh_token;
    this.#renewal = asked + life - Math.min(renewalMargin, life / 10);
  }

  /** It is not cancelled with a caller: others may wait for it. */
  async #exchange(refresh: string | undefined): Promise<Granted> {
    return (await this.#client.call<Granted>(this.#operation, this.#grant(refresh))).payload;
  }
}

/** Waits for a promise, or until a signal is aborted: then it rejects with its reason. */
function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
