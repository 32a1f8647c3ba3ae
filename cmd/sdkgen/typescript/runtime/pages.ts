import type { SdkResponse } from "./client.js";
import { ChaveiroError, NoPageError } from "./errors.js";

/** Where a page is in its list. */
export interface PageCursor {
  /** The cursor of this page. */
  current: number;
  /** That of the page after it; null: this is the last one. */
  next: number | null;
  /** That of the page before it; null: this is the first one. */
  previous: number | null;
}

/** One page of a list: an answer whose payload are the items. */
export interface Page<T> extends SdkResponse<T[]> {
  cursor: PageCursor;
  /** Whether there is a page after this one. */
  hasNext: boolean;
  /** Whether there is a page before this one. */
  hasPrevious: boolean;
}

/** Where an answer has the parts of a page: names, from the outside to the inside. */
export interface PageParts {
  items: readonly string[];
  current: readonly string[];
  next: readonly string[];
  previous: readonly string[];
}

/** Returns the page that an answer has. */
export function pageOf<T>(answer: SdkResponse<unknown>, parts: PageParts): Page<T> {
  const part = (names: readonly string[]): unknown =>
    names.reduce((value: unknown, name) => (value as Record<string, unknown> | undefined)?.[name], answer.payload);
  const cursor: PageCursor = {
    current: part(parts.current) as number,
    next: (part(parts.next) ?? null) as number | null,
    previous: (part(parts.previous) ?? null) as number | null,
  };
  const payload = (part(parts.items) ?? []) as T[];
  return { ...answer, payload, cursor, hasNext: cursor.next !== null, hasPrevious: cursor.previous !== null };
}

/**
 * The pages of a list. Nothing is requested before it is asked for. `for await` goes over the items
 * of all pages.
 */
export class Pages<T> implements AsyncIterable<T> {
  readonly #operation: string;
  readonly #fetch: (cursor: number | undefined) => Promise<Page<T>>;
  readonly #first: number | undefined;
  #page: Page<T> | undefined;

  constructor(operation: string, fetch: (cursor: number | undefined) => Promise<Page<T>>, first: number | undefined) {
    this.#operation = operation;
    this.#fetch = fetch;
    this.#first = first;
  }

  /** The page that was read last; undefined before the first. */
  get page(): Page<T> | undefined {
    return this.#page;
  }

  /** Whether next() has a page: the first one, or one after that which was read last. */
  get hasNext(): boolean {
    return this.#page?.hasNext ?? true;
  }

  /** Whether previous() has a page. */
  get hasPrevious(): boolean {
    return this.#page?.hasPrevious ?? false;
  }

  /**
   * Reads the first page, and then the one after that which was read last. After the last it rejects
   * with NoPageError. After another error the same page can be asked for again.
   */
  async next(): Promise<Page<T>> {
    if (!this.hasNext) throw new NoPageError(this.#operation, "there is no page after this one");
    return (this.#page = await this.#fetch(this.#page ? this.#page.cursor.next! : this.#first));
  }

  /** Reads the page before that which was read last. Before the first it rejects with NoPageError. */
  async previous(): Promise<Page<T>> {
    if (!this.hasPrevious) throw new NoPageError(this.#operation, "there is no page before this one");
    return (this.#page = await this.#fetch(this.#page!.cursor.previous!));
  }

  /**
   * Goes over the items of all pages from the first one, and reads each page when it comes to it. It
   * leaves next() and previous() where they are. Items that come or go meanwhile are met or not, but
   * none is met twice.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (let cursor = this.#first; ; ) {
      const page = await this.#fetch(cursor);
      for (const item of page.payload) yield item; // yield* would wait thrice for each
      if (page.cursor.next === null) return;
      if (page.cursor.next === page.cursor.current) {
        throw new ChaveiroError(this.#operation, `the page after ${page.cursor.next} is itself`);
      }
      cursor = page.cursor.next;
    }
  }
}
