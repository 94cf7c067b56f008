/** The part of JSON Schema that answers are described with. */
export interface JsonSchema {
  $ref?: string;
  type?: string | readonly string[];
  description?: string;
  items?: JsonSchema;
  properties?: Readonly<Record<string, JsonSchema>>;
  required?: readonly string[];
  additionalProperties?: JsonSchema;
  enum?: readonly string[];
  minimum?: number;
  maximum?: number;
  default?: string | number;
  examples?: readonly string[];
}

export const TEXT: JsonSchema = { type: 'string' };
export const NUMBER: JsonSchema = { type: 'number' };
export const INTEGER: JsonSchema = { type: 'integer' };
export const FLAG: JsonSchema = { type: 'boolean' };
export const TIME_MS: JsonSchema = {
  type: 'integer',
  description: 'Milliseconds since 1970.',
};
export const LABELS: JsonSchema = { type: 'object', additionalProperties: TEXT };

export function list(items: JsonSchema, description?: string): JsonSchema {
  return { type: 'array', items, ...(description !== undefined && { description }) };
}

/** Of a type that is written out as TypeScript: each of its fields must be here, and no other. */
export function object<T>(properties: { [Name in keyof T]-?: JsonSchema }): JsonSchema {
  return { type: 'object', properties, required: Object.keys(properties) };
}
