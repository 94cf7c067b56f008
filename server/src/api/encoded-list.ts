import {
  create,
  type DescMessage,
  type MessageInitShape,
  toBinary,
  toJsonString,
} from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { AnswerEncoding } from '../rpc.ts';
import { Turns } from '../turns.ts';

/**
 * A message that has nothing but a list, encoded entry by entry, so that the event loop does not wait for
 * all of them: a thousand series may have millions of points.
 * @param field the list
 * @param entries each is asked for when it is encoded
 */
export async function encodeList<Entry extends DescMessage>(
  field: { name: string; number: number },
  schema: Entry,
  entries: Iterable<MessageInitShape<Entry>>,
  encoding: AnswerEncoding,
): Promise<Uint8Array<ArrayBuffer>> {
  const turns = new Turns();
  const pieces: Uint8Array[] = [];
  for (const entry of entries) {
    const message = create(schema, entry);
    if (encoding === 'json') {
      const before = pieces.length === 0 ? `{"${field.name}":[` : ',';
      pieces.push(Buffer.from(before + toJsonString(schema, message)));
    } else {
      const bytes = toBinary(schema, message);
      const writer = new BinaryWriter().tag(field.number, WireType.LengthDelimited);
      pieces.push(writer.uint32(bytes.length).finish(), bytes);
    }
    if (turns.isOver) await turns.next();
  }
  if (encoding === 'json') pieces.push(Buffer.from(pieces.length === 0 ? '{}' : ']}'));
  return Buffer.concat(pieces);
}
