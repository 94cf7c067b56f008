import type { FastifyReply } from 'fastify';
import { Turns } from './turns.ts';

/** Below it a value is written at once: `{ data: { result: [series, …] } }` has its series there. */
const SPLIT_DEPTH = 3;
/** Put together before it becomes bytes: many short texts cost more than one long one. */
const PIECE_CHARACTERS = 1 << 16;

/**
 * Answers with JSON that may be large, as `reply.send(value)` would, but takes turns with all else: a
 * thousand series have millions of points. A list may be any iterable, of which each entry is made when
 * it is written.
 */
export async function sendJsonInTurns(reply: FastifyReply, value: unknown): Promise<FastifyReply> {
  const bytes = await jsonInTurns(value);
  return reply.type('application/json; charset=utf-8').send(bytes);
}

/** What `JSON.stringify` makes of the value, which has no holes and no `toJSON` on its first levels. */
export async function jsonInTurns(value: unknown): Promise<Buffer> {
  const turns = new Turns();
  const pieces: Buffer[] = [];
  let text = '';
  for (const part of partsOf(value, SPLIT_DEPTH)) {
    text += part;
    if (text.length > PIECE_CHARACTERS) {
      pieces.push(Buffer.from(text));
      text = '';
    }
    if (turns.isOver) await turns.next();
  }
  return Buffer.concat([...pieces, Buffer.from(text)]);
}

function* partsOf(value: unknown, depth: number): Generator<string> {
  if (depth === 0 || typeof value !== 'object' || value === null) {
    yield JSON.stringify(value);
  } else if (Symbol.iterator in value) {
    let separator = '[';
    for (const entry of value as Iterable<unknown>) {
      yield separator;
      yield* partsOf(entry, depth - 1);
      separator = ',';
    }
    yield separator === '[' ? '[]' : ']';
  } else {
    let separator = '{';
    for (const [name, field] of Object.entries(value)) {
      if (field === undefined) continue;
      yield `${separator}${JSON.stringify(name)}:`;
      yield* partsOf(field, depth - 1);
      separator = ',';
    }
    yield separator === '{' ? '{}' : '}';
  }
}
