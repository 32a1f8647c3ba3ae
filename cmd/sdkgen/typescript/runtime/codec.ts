/**
 * How a value of the wire and one of this SDK correspond: undefined is the same value; "date" is an
 * RFC 3339 text and a Date.
 */
export type Shape = undefined | "date" | ListShape | MapShape | ObjectShape;

/** An array of one shape. */
export interface ListShape {
  list: Shape;
}

/** An object whose names are data. */
export interface MapShape {
  map: Shape;
}

/** What a field is on the wire and in this SDK. */
interface FieldShape {
  wire: string;
  name: string;
  shape: Shape;
}

/** An object: the names on the wire, with those of this SDK and the shapes of the values. */
export class ObjectShape {
  readonly #define: () => Record<string, readonly [name: string, shape?: Shape]>;
  #byWire: Map<string, FieldShape> | undefined;
  #byName: Map<string, FieldShape> | undefined;

  /** Shapes refer to each other, therefore the fields are asked for when they are needed first. */
  constructor(define: () => Record<string, readonly [name: string, shape?: Shape]>) {
    this.#define = define;
  }

  /** By the name on the wire. */
  get byWire(): Map<string, FieldShape> {
    return (this.#byWire ??= new Map(
      Object.entries(this.#define()).map(([wire, [name, shape]]) => [wire, { wire, name, shape }]),
    ));
  }

  /** By the name of this SDK. */
  get byName(): Map<string, FieldShape> {
    return (this.#byName ??= new Map([...this.byWire.values()].map((field) => [field.name, field])));
  }
}

/**
 * Turns a value of the wire into one of this SDK. What a newer server adds is kept, under a name in
 * camelCase. It throws a TypeError when a value is not of its shape.
 */
export function decode(value: unknown, shape: Shape): unknown {
  if (value === null || value === undefined || shape === undefined) return value;
  if (shape === "date") return date(value);
  if ("list" in shape) {
    if (!Array.isArray(value)) throw new TypeError("an array is expected");
    return shape.list === undefined ? value : value.map((item) => decode(item, shape.list));
  }
  if (typeof value !== "object" || Array.isArray(value)) throw new TypeError("an object is expected");
  if ("map" in shape) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, decode(item, shape.map)]));
  }
  return decodeObject(value as Record<string, unknown>, shape);
}

/** Goes over the fields of the answer, which is twice as fast as asking for each field of the shape. */
function decodeObject(value: Record<string, unknown>, shape: ObjectShape): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const { byWire } = shape;
  for (const key in value) {
    const field = byWire.get(key);
    if (field === undefined) result[camelCase(key)] = value[key]; // never __proto__, which is _Proto__ then
    else result[field.name] = field.shape === undefined ? value[key] : decode(value[key], field.shape);
  }
  return result;
}

/**
 * Turns a value of this SDK into one of the wire. undefined is left out, null stays null, a Date is
 * RFC 3339. A name that is not known is sent in snake_case: a newer server may know it.
 */
export function encode(value: unknown, shape: Shape): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) {
    const inner = typeof shape === "object" && "list" in shape ? shape.list : undefined;
    return value.map((item) => encode(item, inner));
  }
  if (typeof value !== "object" || value === null || typeof shape !== "object" || "list" in shape) return value;
  if ("map" in shape) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, encode(item, shape.map)]));
  }
  const result: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    if (item === undefined) continue;
    const field = shape.byName.get(name);
    result[field?.wire ?? snakeCase(name)] = encode(item, field?.shape);
  }
  return result;
}

function date(value: unknown): Date {
  const result = new Date(typeof value === "string" ? value : NaN);
  if (Number.isNaN(result.getTime())) throw new TypeError("a date is expected");
  return result;
}

function camelCase(name: string): string {
  return name.replace(/(?<=.)_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function snakeCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => "_" + letter.toLowerCase());
}
