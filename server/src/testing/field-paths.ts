import type { DescField, DescMessage } from '@bufbuild/protobuf';

/**
 * Fields of a message, and of those in it, by their names in the protocol: `a.b.c`. Messages without
 * fields are fields themselves; what is within itself comes once.
 */
export function fieldPaths(message: DescMessage, within: readonly DescMessage[] = []): string[] {
  return message.fields.flatMap((field) => {
    const inner = messageOf(field);
    if (!inner || inner.fields.length === 0 || within.includes(inner)) return [field.name];
    return fieldPaths(inner, [...within, message]).map((path) => `${field.name}.${path}`);
  });
}

function messageOf(field: DescField): DescMessage | undefined {
  if (field.fieldKind === 'message') return field.message;
  return field.fieldKind === 'list' && field.listKind === 'message' ? field.message : undefined;
}
