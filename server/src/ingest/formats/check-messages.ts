import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { type IngestLimits, MESSAGES_PER_VALUE, tooMany } from '../limits.ts';

/** The messages that a message may have, by the number of their field. */
type Nested = ReadonlyMap<number, () => Nested>;

/**
 * Counts the messages in a message before they are made objects of: an empty one has two bytes, and its
 * object a hundred. Entries of maps count as well.
 * @throws BunsenError `PROFILE_TOO_LARGE`; Error if the message is malformed
 */
export function checkMessages(schema: DescMessage, bytes: Uint8Array, limits: IngestLimits): void {
  const most = limits.values * MESSAGES_PER_VALUE;
  const reader = new BinaryReader(bytes);
  let messages = 0;
  const visit = (nested: Nested, end: number, depth: number): void => {
    if (depth > limits.nesting) {
      throw tooMany('more', 'messages in each other', limits, 'nesting');
    }
    while (reader.pos < end) {
      const [number, wireType] = reader.tag();
      const ofField = nested.get(number);
      if (!ofField || wireType !== WireType.LengthDelimited) {
        reader.skip(wireType, number);
        continue;
      }
      if (++messages > most) {
        throw tooMany('more', 'messages', limits, 'values', MESSAGES_PER_VALUE);
      }
      const length = reader.uint32();
      visit(ofField(), Math.min(end, reader.pos + length), depth + 1);
    }
  };
  visit(nestedIn(schema, new Map()), reader.len, 0);
}

/** @param known those of messages that were asked for before, as they may contain each other */
function nestedIn(desc: DescMessage, known: Map<DescMessage, Nested>): Nested {
  let nested = known.get(desc);
  if (!nested) {
    nested = new Map(desc.fields.flatMap((field) => nestedOf(field, known)));
    known.set(desc, nested);
  }
  return nested;
}

/** On the wire, an entry of a map is a message with the key as its field 1 and the value as its field 2. */
function nestedOf(field: DescField, known: Map<DescMessage, Nested>): [number, () => Nested][] {
  const { message } = field;
  const ofMessage = message && (() => nestedIn(message, known));
  if (field.fieldKind !== 'map') return ofMessage ? [[field.number, ofMessage]] : [];
  const entry: Nested = new Map(ofMessage ? [[2, ofMessage]] : []);
  return [[field.number, () => entry]];
}
