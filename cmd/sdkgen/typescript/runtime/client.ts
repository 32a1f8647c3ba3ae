import type { Signer } from "./credentials.js";
import { apikey } from "./credentials.js";
import { decode } from "./codec.js";
import { baseUrl, environment, inNode, systemClock, type Clock, type Config, type RequestEvent } from "./config.js";
import {
  DecodeError, NetworkError, NoCredentialError, StatusError, TimeoutError, UnauthorizedError, statusError,
} from "./errors.js";
import { SdkFile } from "./file.js";
import { randomText } from "./oauth1.js";
import { prepare, type CallOptions, type Operation, type Prepared } from "./request.js";
import { pauseAfter, retryAfter } from "./retry.js";

/** An answer of success. */
export interface SdkResponse<T> {
  /** What the server answers, with names in camelCase and dates as Date. */
  payload: T;
  status: number;
  /** X-Request-Id, which the server's log has too. */
  requestId: string | undefined;
  headers: Headers;
  /** The body as it came; empty of a file. */
  body: string;
}

const defaultTimeout = 60_000;
const defaultRetries = 2;
const defaultUserAgent = "chaveiro-typescript";

/** Sends requests. It is what all groups of an SDK share. */
export class Client {
  readonly config: Config;
  readonly clock: Clock;
  readonly #base: string;
  readonly #auth: Signer | undefined;
  readonly #vaultAuth: Signer | undefined;

  /** It throws a TypeError when the configuration is wrong. Nothing is sent yet. */
  constructor(config: Config) {
    const token = environment("CHAVEIRO_TOKEN");
    const auth = config.auth ?? (token === undefined ? undefined : apikey(token));
    this.config = config;
    this.clock = { ...systemClock, ...config.clock };
    this.#base = baseUrl(config.url ?? environment("CHAVEIRO_URL"));
    this.#auth = auth?.(this);
    this.#vaultAuth = config.vaultAuth?.(this);
  }

  /** Calls an operation: sends it until there is an answer of success, or an error that no further try mends. */
  async call<T>(operation: Operation, given: object, options: CallOptions = {}): Promise<SdkResponse<T>> {
    const prepared = prepare(operation, this.#base, given);
    this.#addHeaders(prepared.headers, operation, options);
    const timeout = options.timeout ?? this.config.timeout ?? defaultTimeout;
    const timer = new AbortController();
    const late = () => new TimeoutError(operation.id, `there is no answer within ${timeout} ms`, false);
    const timing = setTimeout(() => timer.abort(late()), timeout);
    const signal = options.signal ? AbortSignal.any([options.signal, timer.signal]) : timer.signal;
    const deadline = this.clock.now() + timeout;
    try {
      return await new Tries(this, operation, prepared, this.#signer(operation), signal, deadline).run<T>();
    } finally {
      clearTimeout(timing);
    }
  }

  #signer(operation: Operation): Signer | undefined {
    if (operation.open) return undefined;
    const signer = operation.vault ? this.#vaultAuth : this.#auth;
    if (signer === undefined) throw new NoCredentialError(operation.id);
    return signer;
  }

  #addHeaders(headers: Headers, operation: Operation, options: CallOptions): void {
    const language = options.language ?? this.config.language;
    const agent = this.config.userAgent ?? (inNode() ? defaultUserAgent : undefined); // browsers have their own
    if (agent !== undefined) headers.set("user-agent", agent);
    if (language !== undefined) headers.set("accept-language", language);
    if (operation.retry === "keyed" || options.idempotencyKey !== undefined) {
      headers.set("idempotency-key", options.idempotencyKey ?? randomText());
    }
    const own = { ...this.config.headers?.(), ...options.headers };
    for (const [name, value] of Object.entries(own)) headers.set(name, value);
  }
}

/** The requests of one call. */
class Tries {
  readonly #client: Client;
  readonly #operation: Operation;
  readonly #prepared: Prepared;
  readonly #signer: Signer | undefined;
  readonly #signal: AbortSignal;
  readonly #deadline: number;
  #attempt = 0;
  #renewed = false; // the credential was renewed after a 401

  constructor(
    client: Client, operation: Operation, prepared: Prepared, signer: Signer | undefined, signal: AbortSignal,
    deadline: number,
  ) {
    this.#client = client;
    this.#operation = operation;
    this.#prepared = prepared;
    this.#signer = signer;
    this.#signal = signal;
    this.#deadline = deadline;
  }

  async run<T>(): Promise<SdkResponse<T>> {
    for (;;) {
      this.#attempt++;
      this.#signal.throwIfAborted();
      await this.#signer?.sign(this.#prepared, this.#signal); // getting a token has its own tries
      try {
        return await this.#exchange<T>();
      } catch (error) {
        if (this.#renews(error)) continue;
        const pause = this.#pause(error);
        if (pause === undefined) throw error;
        await this.#client.clock.sleep(pause, this.#signal);
      }
    }
  }

  /** Sends the request, and tells the hooks. */
  async #exchange<T>(): Promise<SdkResponse<T>> {
    const { id: operation, method, path } = this.#operation;
    const { before, after } = this.#client.config;
    const event: RequestEvent = { operation, method, path, attempt: this.#attempt };
    await before?.({ ...event });
    const started = this.#client.clock.now();
    const result = await this.#send<T>().then((value) => ({ value }), (error: unknown) => ({ error }));
    event.duration = this.#client.clock.now() - started;
    const answer = "value" in result ? result.value : result.error;
    if ("value" in result || answer instanceof StatusError || answer instanceof DecodeError) {
      event.status = (answer as { status: number }).status;
      event.requestId = (answer as { requestId?: string }).requestId;
    } else {
      event.error = answer;
    }
    await after?.(event);
    if ("error" in result) throw result.error;
    return result.value;
  }

  async #send<T>(): Promise<SdkResponse<T>> {
    const { method, url, headers, body } = this.#prepared;
    const init: RequestInit & { duplex?: "half" } = {
      method, headers, signal: this.#signal, credentials: "omit",
      redirect: "manual", // a redirect would carry the credential elsewhere: it is answered as it is
    };
    if (body !== undefined) init.body = body as BodyInit;
    if (body instanceof ReadableStream) init.duplex = "half";
    const send = this.#client.config.fetch ?? globalThis.fetch;
    try {
      return await this.#read<T>(await send(url, init));
    } catch (cause) {
      throw this.#fault(cause);
    }
  }

  /** Reads an answer; of a file its content is left. */
  async #read<T>(answer: Response): Promise<SdkResponse<T>> {
    const { id, file, empty, answer: shape } = this.#operation;
    const facts = { status: answer.status, requestId: answer.headers.get("x-request-id") ?? undefined, headers: answer.headers };
    if (file && (answer.ok || answer.status === 304)) {
      return { ...facts, payload: new SdkFile(answer, (cause) => this.#fault(cause)) as T, body: "" };
    }
    const body = await answer.text();
    if (!answer.ok) throw statusError(id, answer, body, retryAfter(answer.headers, this.#client.clock.now()));
    if (empty) return { ...facts, payload: undefined as T, body };
    try {
      return { ...facts, payload: decode(JSON.parse(body), shape) as T, body };
    } catch (cause) {
      throw new DecodeError(id, answer, body, cause);
    }
  }

  /** Returns the error of what was thrown. Addresses are left out: they have the values of the query. */
  #fault(cause: unknown): unknown {
    if (this.#signal.aborted) return this.#signal.reason;
    if (cause instanceof StatusError || cause instanceof DecodeError) return cause;
    const inner = (cause as { cause?: { code?: unknown; message?: unknown } })?.cause;
    const reason = inner?.code ?? inner?.message ?? "no connection";
    if (reason === "ETIMEDOUT" || reason === "UND_ERR_CONNECT_TIMEOUT") {
      return new TimeoutError(this.#operation.id, "there is no connection in time", true, { cause: inner });
    }
    return new NetworkError(this.#operation.id, String(reason), { cause: inner ?? cause });
  }

  /** Reports whether a request that was refused with 401 is sent again, which happens once in a call. */
  #renews(error: unknown): boolean {
    if (!(error instanceof UnauthorizedError) || error.retryAfter !== undefined) return false;
    if (this.#renewed || !this.#signer || !this.#replayable) return false;
    this.#renewed = this.#signer.refused(this.#prepared);
    return this.#renewed;
  }

  get #replayable(): boolean {
    return !(this.#prepared.body instanceof ReadableStream);
  }

  /** Returns how long to wait before the next try; undefined: there is none. */
  #pause(error: unknown): number | undefined {
    const most = this.#client.config.retries ?? defaultRetries;
    if (this.#operation.retry === "never" || !this.#replayable || this.#attempt > most) return undefined;
    const pause = pauseAfter(error, this.#attempt, () => this.#client.clock.random());
    return pause !== undefined && this.#client.clock.now() + pause < this.#deadline ? pause : undefined;
  }
}
