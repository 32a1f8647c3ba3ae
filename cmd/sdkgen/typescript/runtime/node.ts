/// <reference types="node" />
import * as http from "node:http";
import * as https from "node:https";
import type { Duplex } from "node:stream";
import { Readable } from "node:stream";
import * as tls from "node:tls";

/** How nodeFetch connects. */
export interface NodeFetchOptions {
  /** The address of an HTTP proxy, as http://proxy.example.com:3128, also with a user and a password. */
  proxy?: string | undefined;
  /** The certificates, in PEM, that the server's may be signed with. Default: those of Node. */
  caBundle?: string | undefined;
  /** How long a connection may take to be there, in ms. Default: 10 000. */
  connectTimeout?: number | undefined;
}

const defaultConnectTimeout = 10_000;

/**
 * Returns a fetch for Config.fetch that connects as the options say, which the fetch of Node can't
 * be told. It is for Node only. It throws a TypeError when the proxy is no address.
 */
export function nodeFetch(options: NodeFetchOptions = {}): typeof globalThis.fetch {
  const proxy = options.proxy === undefined ? undefined : new URL(options.proxy);
  const connectTimeout = options.connectTimeout ?? defaultConnectTimeout;
  const plain = new http.Agent({ keepAlive: true });
  const secure = proxy ? new Tunnel(proxy, options.caBundle) : new https.Agent({ keepAlive: true, ca: options.caBundle });
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input);
    const headers = Object.fromEntries(new Headers(init.headers));
    const { method = "GET", signal } = init;
    const common = { method, headers, ...(signal ? { signal } : {}) };
    const viaProxy = proxy !== undefined && url.protocol === "http:";
    if (viaProxy) Object.assign(headers, { host: url.host, ...authorization(proxy) });
    const request =
      url.protocol === "https:" ? https.request(url, { ...common, agent: secure })
      : viaProxy ? http.request(proxy, { ...common, path: url.href, agent: plain })
      : http.request(url, { ...common, agent: plain });
    return exchange(request, init.body ?? undefined, connectTimeout);
  };
}

/** Connects to https servers through a proxy (RFC 9110, section 9.3.6). */
class Tunnel extends https.Agent {
  readonly #proxy: URL;
  readonly #caBundle: string | undefined;

  constructor(proxy: URL, caBundle: string | undefined) {
    super({ keepAlive: true });
    this.#proxy = proxy;
    this.#caBundle = caBundle;
  }

  override createConnection(options: tls.ConnectionOptions, done: (error: Error | null, socket?: Duplex) => void): undefined {
    const target = `${options.host}:${options.port}`;
    const headers = { host: target, ...authorization(this.#proxy) };
    const request = http.request(this.#proxy, { method: "CONNECT", path: target, headers, agent: false });
    request.once("connect", (answer, socket) => {
      if (answer.statusCode === 200) {
        const servername = options.servername || undefined; // an address has none
        done(null, tls.connect({ ...options, ca: this.#caBundle, socket, servername }));
        return;
      }
      socket.destroy();
      done(new Error(`the proxy answers ${answer.statusCode}`));
    });
    request.once("error", done);
    request.end();
  }
}

function authorization(proxy: URL): Record<string, string> {
  if (proxy.username === "") return {};
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(user).toString("base64")}` };
}

/** Sends a body, and returns the answer. */
async function exchange(request: http.ClientRequest, body: BodyInit | undefined, connectTimeout: number): Promise<Response> {
  const answer = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once("response", resolve);
    request.once("error", (cause) => reject(new TypeError("fetch failed", { cause })));
  });
  answer.catch(() => undefined); // it is awaited later
  const late = Object.assign(new Error("the connection is not there in time"), { code: "ETIMEDOUT" });
  const timer = setTimeout(() => request.destroy(late), connectTimeout);
  const stop = () => clearTimeout(timer);
  request.once("close", stop);
  request.once("socket", (socket) => {
    if (!socket.connecting) stop();
    else socket.once("encrypted" in socket ? "secureConnect" : "connect", stop);
  });
  if (body instanceof ReadableStream) {
    Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]).on("error", (e) => request.destroy(e)).pipe(request);
  } else {
    request.end(body instanceof Blob ? new Uint8Array(await body.arrayBuffer()) : body);
  }
  return response(await answer);
}

function response(answer: http.IncomingMessage): Response {
  const headers = new Headers();
  for (const [name, values] of Object.entries(answer.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const status = answer.statusCode ?? 0;
  const empty = [204, 205, 304].includes(status);
  if (empty) answer.resume();
  return new Response(empty ? null : (Readable.toWeb(answer) as ReadableStream<Uint8Array<ArrayBuffer>>), { status, headers });
}
