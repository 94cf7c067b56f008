import { type IngestLimits, tooMany } from '../limits.ts';
import { JfrCursor, StringRef } from './jfr-cursor.ts';

/** What a field holds: a list, the fields of an object by name, a text, a key of a pool, a number. */
export type JfrValue = JfrValue[] | JfrObject | string | number | bigint;
export interface JfrObject {
  [field: string]: JfrValue;
}

interface JfrField {
  name: string;
  classId: number;
  /** The value is a key of the pool of its class. */
  pooled: boolean;
  isArray: boolean;
}

interface JfrClass {
  id: number;
  name: string;
  fields: JfrField[];
}

interface Element {
  name: string;
  attributes: Record<string, string>;
  children: Element[];
}

const HEADER_BYTES = 68;
const METADATA_EVENT = 0;
const CHECKPOINT_EVENT = 1;

/**
 * A chunk of a JFR recording (format 2.x): classes and pools of what events refer to are read at
 * once, the events one by one. Every chunk describes itself.
 */
export class JfrChunk {
  readonly #cursor: JfrCursor;
  readonly #limits: IngestLimits;
  readonly #classes = new Map<number, JfrClass>();
  readonly #pools = new Map<string, Map<number | bigint, JfrValue>>();
  readonly #wanted: ReadonlySet<string>;
  #entries = 0;
  /** Bytes of the chunk. */
  readonly length: number;
  readonly startMs: number;
  readonly durationNs: bigint;
  readonly ticksPerSecond: number;

  /**
   * @param bytes from the beginning of the chunk on
   * @param wanted classes whose pools are kept
   * @throws BunsenError `JFR_MALFORMED`, `PROFILE_TOO_LARGE`
   */
  constructor(bytes: Uint8Array, wanted: ReadonlySet<string>, limits: IngestLimits) {
    const cursor = new JfrCursor(bytes);
    this.#cursor = cursor;
    this.#wanted = wanted;
    this.#limits = limits;
    if (cursor.fixed(4) !== 0x464c5200) cursor.fail('it does not begin with FLR');
    const major = cursor.fixed(2);
    if (major !== 2) cursor.fail(`version ${major}.${cursor.fixed(2)}, where 2.x is read,`);
    cursor.fixed(2);
    this.length = cursor.fixed(8);
    const pools = cursor.fixed(8);
    const metadata = cursor.fixed(8);
    this.startMs = cursor.fixed(8) / 1e6;
    this.durationNs = BigInt(cursor.fixed(8));
    cursor.fixed(8); // ticks at the start
    this.ticksPerSecond = cursor.fixed(8);
    if ((cursor.fixed(4) & 1) === 0) cursor.fail('integers are not compressed');
    if (this.length < HEADER_BYTES || this.length > bytes.length) {
      cursor.fail(`a chunk of ${this.length} bytes is cut off`);
    }
    cursor.end = this.length;
    this.#readMetadata(metadata);
    this.#readPools(pools);
  }

  /** What a pool has under a key; undefined if nothing, or if the class was not wanted. */
  lookup(className: string, key: JfrValue | undefined): JfrObject | undefined {
    const value = this.#pools.get(className)?.get(key as number);
    return typeof value === 'object' && !Array.isArray(value) ? value : undefined;
  }

  /** Visits the events of some classes in the order in which they were written. */
  forEachEvent(
    names: ReadonlySet<string>,
    visit: (name: string, event: JfrObject, classId: number) => void,
  ): void {
    const cursor = this.#cursor;
    for (let at = HEADER_BYTES; at < this.length; ) {
      const { end, classId } = this.#openEvent(at);
      const cls = this.#classes.get(classId);
      if (cls && names.has(cls.name)) visit(cls.name, this.#object(cls, 0), classId);
      if (cursor.at > end) cursor.fail('an event is longer than it says');
      cursor.end = this.length;
      at = end;
    }
  }

  /** Name of a class by its id, such as that of the event that a setting is about. */
  className(id: number): string | undefined {
    return this.#classes.get(id)?.name;
  }

  #openEvent(at: number): { end: number; classId: number } {
    const cursor = this.#cursor;
    cursor.at = at;
    const size = Number(cursor.long());
    if (size < 2 || size > this.length - at) cursor.fail(`an event of ${size} bytes`);
    cursor.end = at + size;
    return { end: at + size, classId: Number(cursor.long()) };
  }

  #count(what: string): void {
    const limits = this.#limits;
    if (++this.#entries > limits.tableEntries) throw tooMany('more', what, limits, 'tableEntries');
  }

  /** A class that contains itself would have no end. */
  #checkNesting(depth: number, what: string): void {
    const limits = this.#limits;
    if (depth > limits.nesting) throw tooMany('more', `${what} in each other`, limits, 'nesting');
  }

  #readMetadata(at: number): void {
    const cursor = this.#cursor;
    if (this.#openEvent(at).classId !== METADATA_EVENT) cursor.fail('no metadata where it says');
    for (let i = 0; i < 3; i++) cursor.long(); // start, duration, id
    const strings = Array.from({ length: cursor.count() }, () => {
      this.#count('strings');
      const text = cursor.text();
      return typeof text === 'string' ? text : cursor.fail('a reference among the strings');
    });
    const string = () => strings[Number(cursor.long())] ?? cursor.fail('an unknown string');
    const element = (depth: number): Element => {
      this.#checkNesting(depth, 'elements');
      this.#count('elements');
      const name = string();
      const attributes: Record<string, string> = {};
      for (let left = cursor.count(); left > 0; left--) attributes[string()] = string();
      const children = Array.from({ length: cursor.count() }, () => element(depth + 1));
      return { name, attributes, children };
    };
    const root = element(0);
    for (const { name, children } of root.children) {
      if (name !== 'metadata') continue;
      for (const cls of children) if (cls.name === 'class') this.#addClass(cls);
    }
    cursor.end = this.length;
  }

  #addClass({ attributes, children }: Element): void {
    const fields = children
      .filter(({ name }) => name === 'field')
      .map(
        ({ attributes }): JfrField => ({
          name: attributes['name'] ?? '',
          classId: Number(attributes['class']),
          pooled: attributes['constantPool'] === 'true',
          isArray: attributes['dimension'] === '1',
        }),
      );
    const id = Number(attributes['id']);
    this.#classes.set(id, { id, name: attributes['name'] ?? '', fields });
  }

  /** Checkpoints form a list, from the last one back by distances. */
  #readPools(last: number): void {
    const cursor = this.#cursor;
    for (let at = last; ; ) {
      if (this.#openEvent(at).classId !== CHECKPOINT_EVENT) cursor.fail('no checkpoint');
      cursor.long(); // start
      cursor.long(); // duration
      const back = BigInt.asIntN(64, BigInt(cursor.long()));
      cursor.byte(); // kind
      for (let pools = cursor.count(); pools > 0; pools--) this.#readPool();
      cursor.end = this.length;
      if (back === 0n) return;
      // Only back, so that the list ends.
      if (back > 0n || at + Number(back) < HEADER_BYTES) cursor.fail('checkpoints form a circle');
      at += Number(back);
    }
  }

  #readPool(): void {
    const cursor = this.#cursor;
    const cls = this.#classOf(Number(cursor.long()));
    const wanted = this.#wanted.has(cls.name);
    const pool = this.#pools.get(cls.name) ?? new Map<number | bigint, JfrValue>();
    if (wanted) this.#pools.set(cls.name, pool);
    for (let left = cursor.count(); left > 0; left--) {
      this.#count('pool entries');
      const key = cursor.long();
      const value = this.#valueOf(cls, 0);
      if (wanted) pool.set(key, value);
    }
  }

  #classOf(id: number): JfrClass {
    return this.#classes.get(id) ?? this.#cursor.fail(`class ${id} is not described`);
  }

  #object(cls: JfrClass, depth: number): JfrObject {
    this.#checkNesting(depth, `objects of ${cls.name.slice(0, 80)}`);
    const object: JfrObject = {};
    const { at } = this.#cursor;
    for (const field of cls.fields) {
      object[field.name] = field.isArray
        ? Array.from({ length: this.#cursor.count() }, () => this.#field(field, depth))
        : this.#field(field, depth);
    }
    // Classes that have each other twice, and nothing else, make 2^n of them without a byte.
    if (this.#cursor.at === at) this.#count('objects without a byte');
    return object;
  }

  #field({ classId, pooled }: JfrField, depth: number): JfrValue {
    if (pooled) return this.#cursor.long();
    return this.#valueOf(this.#classOf(classId), depth + 1);
  }

  #valueOf(cls: JfrClass, depth: number): JfrValue {
    const cursor = this.#cursor;
    switch (cls.name) {
      case 'boolean':
      case 'byte':
        return cursor.byte();
      case 'char':
      case 'short':
      case 'int':
      case 'long':
        return cursor.long();
      case 'float':
        cursor.take(4); // not needed
        return 0;
      case 'double':
        cursor.take(8);
        return 0;
      case 'java.lang.String':
        return this.#text(cursor.text());
      default:
        return this.#object(cls, depth);
    }
  }

  #text(text: string | StringRef): string {
    if (!(text instanceof StringRef)) return text;
    const value = this.#pools.get('java.lang.String')?.get(text.key);
    return typeof value === 'string' ? value : '';
  }
}
