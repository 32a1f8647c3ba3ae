import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after } from "node:test";
import { Sdk, accessToken, type Clock, type Config } from "@chaveiro/sdk";

/** A request as the server got it. */
export interface Got {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}

/** A server of one test file's own, and what it got. */
export interface Served {
  url: string;
  got: Got[];
}

type Handler = (request: Got, response: ServerResponse, count: number) => void;

/** Starts a server that ends with the test file. The count of requests begins with 1. */
export async function serve(handler: Handler): Promise<Served> {
  const got: Got[] = [];
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString();
    const one = { method: request.method ?? "", url: request.url ?? "", headers: request.headers, body };
    got.push(one);
    handler(one, response, got.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, got };
}

/** Answers JSON. */
export function answer(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", "x-request-id": "r-1", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

/** A clock that does not wait: what it would have waited is in pauses, in ms. */
export class TestClock implements Clock {
  time = Date.parse("2026-03-04T12:00:00Z");
  pauses: number[] = [];
  now = () => this.time;
  random = () => 0.5;
  sleep = async (ms: number) => {
    this.pauses.push(ms);
    this.time += ms;
  };
}

/** An SDK for a server, with an access token for both dialects and a clock that does not wait. */
export function connect(served: Served, config: Config = {}): { sdk: Sdk; clock: TestClock } {
  const clock = new TestClock();
  const auth = accessToken("secret");
  return { sdk: new Sdk({ url: served.url, auth, vaultAuth: auth, clock, ...config }), clock };
}

/** The scopes that a server grants: the smallest answer. */
export const scopes = { scopes: [] };
