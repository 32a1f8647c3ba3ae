import { NetworkError, StatusError, TimeoutError } from "./errors.js";

/**
 * The bounds of what is waited between two tries, in ms: it is random from 0 to firstPause, which
 * doubles with each try up to longestPause (full jitter).
 */
const firstPause = 500;
const longestPause = 8000;

/** Returns how long to wait after a try that failed, in ms; undefined: a further one mends nothing. */
export function pauseAfter(error: unknown, attempt: number, random: () => number): number | undefined {
  const jitter = () => random() * Math.min(firstPause * 2 ** (attempt - 1), longestPause);
  if (error instanceof StatusError) {
    return [429, 502, 503, 504].includes(error.status) ? error.retryAfter ?? jitter() : undefined;
  }
  const again = error instanceof NetworkError || (error instanceof TimeoutError && error.connecting);
  return again ? jitter() : undefined;
}

/** Reads Retry-After: seconds, or a date (RFC 9110, section 10.2.3). It returns ms; undefined is none. */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const text = headers.get("retry-after") ?? "";
  if (/^\d+$/.test(text)) return Number(text) > 0 ? 1000 * Number(text) : undefined;
  const at = Date.parse(text);
  return at > now ? at - now : undefined;
}
