/** The base of all errors of this SDK. A call that its caller cancels rejects with the reason of the signal. */
export class ChaveiroError extends Error {
  /** The operationId of the call, as createCa. */
  readonly operation: string;

  constructor(operation: string, message: string, options?: ErrorOptions) {
    super(`chaveiro: ${operation}: ${message}`, options);
    this.name = new.target.name;
    this.operation = operation;
  }
}

/** The call needs a credential, which the configuration does not have. */
export class NoCredentialError extends ChaveiroError {
  constructor(operation: string) {
    super(operation, "no credential: set auth, or vaultAuth for vault");
  }
}

/** There is no such page: next() after the last one, or previous() before the first. */
export class NoPageError extends ChaveiroError {}

/** There is no answer: no connection, or one that broke. */
export class NetworkError extends ChaveiroError {}

/** There is no answer in time. */
export class TimeoutError extends ChaveiroError {
  /** There is no connection in time; otherwise the time-out of the call has passed. */
  readonly connecting: boolean;

  constructor(operation: string, message: string, connecting: boolean, options?: ErrorOptions) {
    super(operation, message, options);
    this.connecting = connecting;
  }
}

/** The answer is no JSON as expected: it is of a proxy, or the URL is not the server's. */
export class DecodeError extends ChaveiroError {
  readonly status: number;
  /** Content-Type of the answer. */
  readonly mediaType: string;
  readonly body: string;

  constructor(operation: string, answer: Response, body: string, cause: unknown) {
    const mediaType = answer.headers.get("content-type") ?? "";
    super(operation, `the answer of status ${answer.status} is no JSON as expected, but "${mediaType}"`, { cause });
    this.status = answer.status;
    this.mediaType = mediaType;
    this.body = body;
  }
}

/** What is wrong with a field of a request. */
export interface FieldError {
  /** Its path, as roles[0]; empty: the whole request. */
  field: string;
  /** required, invalid, duplicated, not_found, rule. */
  type: string;
  /** For people. */
  msg: string;
}

/** An error of the vault's dialect. */
export interface VaultException {
  /** As 1011; 500 is not of the caller. */
  code: number;
  message: string;
}

interface Facts {
  errors: FieldError[];
  exception: VaultException | undefined;
  serverMessage: string;
  decode: DecodeError | undefined;
}

/** An answer that is no success. Its families have classes of their own. */
export class StatusError extends ChaveiroError {
  readonly status: number;
  /** X-Request-Id, which the server's log has too. */
  readonly requestId: string | undefined;
  /** What is wrong, of all groups but vault. */
  readonly errors: readonly FieldError[];
  /** Of vault. */
  readonly exception: VaultException | undefined;
  /** What the server says where it does not list errors. */
  readonly serverMessage: string;
  /** When to try again, in ms from the answer; undefined: nothing is said. */
  readonly retryAfter: number | undefined;
  /** As it came. */
  readonly body: string;
  /** The body is no JSON. */
  readonly decode: DecodeError | undefined;

  constructor(operation: string, answer: Response, body: string, retryAfter?: number) {
    const facts = read(operation, answer, body);
    const reasons = facts.errors.map((e) => (e.field ? `${e.field}: ` : "") + `${e.type}: ${e.msg}`).join("; ");
    const reason = reasons || facts.serverMessage;
    super(operation, `status ${answer.status}` + (reason ? `: ${reason}` : ""), { cause: facts.decode });
    this.status = answer.status;
    this.requestId = answer.headers.get("x-request-id") ?? undefined;
    this.errors = facts.errors;
    this.exception = facts.exception;
    this.serverMessage = facts.serverMessage;
    this.retryAfter = retryAfter;
    this.body = body;
    this.decode = facts.decode;
  }
}

/** 400: the request is malformed. */
export class BadRequestError extends StatusError {}
/** 401: no credential, or none that is valid. */
export class UnauthorizedError extends StatusError {}
/** 403: the credential lacks the right. */
export class ForbiddenError extends StatusError {}
/** 404: there is no such resource. */
export class NotFoundError extends StatusError {}
/** 409: fields are not acceptable, or a rule forbids it. */
export class ConflictError extends StatusError {}
/** 429: too many requests. */
export class RateLimitedError extends StatusError {}
/** 5xx: the service failed. */
export class ServerError extends StatusError {}

/** Returns the error of an answer, of the family of its status. */
export function statusError(operation: string, answer: Response, body: string, retryAfter?: number): StatusError {
  const families: Record<number, typeof StatusError> = {
    400: BadRequestError, 401: UnauthorizedError, 403: ForbiddenError, 404: NotFoundError, 409: ConflictError,
    429: RateLimitedError,
  };
  const family = answer.status >= 500 ? ServerError : families[answer.status] ?? StatusError;
  return new family(operation, answer, body, retryAfter);
}

/** Reads the body of an error, of either dialect. */
function read(operation: string, answer: Response, body: string): Facts {
  const facts: Facts = { errors: [], exception: undefined, serverMessage: "", decode: undefined };
  if (body === "") return facts;
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    return { ...facts, decode: new DecodeError(operation, answer, body, cause) };
  }
  const { errors, exception, error_description, message } = (json ?? {}) as Record<string, unknown>;
  if (Array.isArray(errors)) {
    facts.errors = errors.map((e) => ({ field: text(e?.field), type: text(e?.type), msg: text(e?.msg) }));
  }
  if (typeof exception === "object" && exception !== null) {
    const { code, message } = exception as Record<string, unknown>;
    facts.exception = { code: Number(code), message: text(message) };
  }
  facts.serverMessage = text(error_description) || facts.exception?.message || text(message);
  return facts;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
