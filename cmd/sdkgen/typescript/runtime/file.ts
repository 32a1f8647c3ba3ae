/** An answer that is not JSON. Read it once, by bytes(), text() or the stream; or cancel() it. */
export class SdkFile {
  /** From Content-Disposition; empty: it has none. */
  readonly name: string;
  /** As application/x-pem-file. */
  readonly mediaType: string;
  readonly headers: Headers;
  /** 304: it is the one that the request names, and there is nothing to read. */
  readonly notModified: boolean;
  readonly #answer: Response;
  readonly #fault: (cause: unknown) => unknown;

  constructor(answer: Response, fault: (cause: unknown) => unknown) {
    this.headers = answer.headers;
    this.mediaType = (answer.headers.get("content-type") ?? "").split(";", 1)[0]!.trim();
    this.name = fileName(answer.headers.get("content-disposition") ?? "");
    this.notModified = answer.status === 304;
    this.#answer = answer;
    this.#fault = fault;
  }

  /** The content as it comes; null of one without content. */
  get stream(): ReadableStream<Uint8Array> | null {
    return this.#answer.body;
  }

  /** Reads the whole file. It can fail as calls do. */
  async bytes(): Promise<Uint8Array> {
    return this.#read(async () => new Uint8Array(await this.#answer.arrayBuffer()));
  }

  /** Reads the whole file as UTF-8. It can fail as calls do. */
  async text(): Promise<string> {
    return this.#read(() => this.#answer.text());
  }

  /** Ends the answer without reading it. */
  async cancel(): Promise<void> {
    await this.#answer.body?.cancel();
  }

  async #read<T>(how: () => Promise<T>): Promise<T> {
    try {
      return await how();
    } catch (cause) {
      throw this.#fault(cause);
    }
  }
}

/** Returns the file name of Content-Disposition (RFC 6266, section 4.3). */
function fileName(disposition: string): string {
  const extended = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(disposition)?.[1];
  if (extended !== undefined) {
    try {
      return decodeURIComponent(extended);
    } catch {
      // It is malformed: the plain name is left.
    }
  }
  const plain = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition);
  return plain?.[1]?.replace(/\\(.)/g, "$1") ?? plain?.[2] ?? "";
}
