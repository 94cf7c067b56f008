import { ProfileError } from './errors.ts';

/** The labels of a series: names to values, without order. */
export type Labels = Record<string, string>;

/** Every series has this label. */
export const SERVICE_NAME = 'service_name';

/** `{a="1", b="2"}` with names in byte order: the canonical text of a label set. */
export function formatLabels(labels: Labels): string {
  return `{${Object.keys(labels)
    .sort()
    .map((name) => `${name}=${JSON.stringify(labels[name])}`)
    .join(', ')}}`;
}

/** Limits that hold for every series, whoever sends it. */
export const LABEL_LIMITS = { count: 64, nameBytes: 1024, valueBytes: 2048 } as const;

/** Dots are allowed, since OpenTelemetry's attributes have them. */
const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_.]*$/;

/** @throws ProfileError `LABEL_MALFORMED` with the label, the value and the limit */
export function checkLabels(labels: Labels): void {
  const names = Object.keys(labels);
  if (names.length > LABEL_LIMITS.count) {
    throw new ProfileError(
      'LABEL_MALFORMED',
      `a series has ${names.length} labels; at most ${LABEL_LIMITS.count} are allowed`,
    );
  }
  for (const name of names) {
    // Assigning to `__proto__` would not make a label of it, but lose it.
    if (name.length > LABEL_LIMITS.nameBytes || !LABEL_NAME.test(name) || name === '__proto__') {
      throw new ProfileError(
        'LABEL_MALFORMED',
        `label name ${JSON.stringify(name.slice(0, 80))} is not of the form [A-Za-z_][A-Za-z0-9_.]* of at most ${LABEL_LIMITS.nameBytes} bytes, or reserved`,
      );
    }
    const bytes = new TextEncoder().encode(labels[name]).length;
    if (bytes > LABEL_LIMITS.valueBytes) {
      throw new ProfileError(
        'LABEL_MALFORMED',
        `the value of label ${name} has ${bytes} bytes; at most ${LABEL_LIMITS.valueBytes} are allowed`,
      );
    }
  }
}
