import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { type IngestLimits, MESSAGES_PER_VALUE, tooMany } from '../limits.ts';

/**
 * Counts the messages in a message before they are made objects of: an empty one has two bytes, and its
 * object a hundred.
 * @throws BunsenError `PROFILE_TOO_LARGE`; Error if the message is malformed
 */
export function checkMessages(
  schema: DescMessage,
  bytes: Uint8Array,
  { values, stackDepth }: IngestLimits,
): void {
  const most = values * MESSAGES_PER_VALUE;
  const reader = new BinaryReader(bytes);
  const fields = new Map<DescMessage, Map<number, DescField>>();
  let messages = 0;
  const visit = (desc: DescMessage, end: number, depth: number): void => {
    if (depth > stackDepth) {
      throw tooMany('more', 'messages in each other', stackDepth, 'BUNSEN_MAX_STACK_DEPTH');
    }
    let byNumber = fields.get(desc);
    if (!byNumber) {
      byNumber = new Map(desc.fields.map((field) => [field.number, field]));
      fields.set(desc, byNumber);
    }
    while (reader.pos < end) {
      const [number, wireType] = reader.tag();
      const message = byNumber.get(number)?.message;
      if (!message || wireType !== WireType.LengthDelimited) {
        reader.skip(wireType, number);
        continue;
      }
      if (++messages > most) {
        throw tooMany('more', 'messages', most, `${MESSAGES_PER_VALUE} times BUNSEN_MAX_VALUES`);
      }
      const length = reader.uint32();
      visit(message, Math.min(end, reader.pos + length), depth + 1);
    }
  };
  visit(schema, reader.len, 0);
}
