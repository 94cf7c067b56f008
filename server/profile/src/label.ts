import { ProfileError } from './errors.ts';
import type { LabelLimits } from './limits.ts';

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

/** What agents keep to, and what a server allows where nothing else is set. */
export const LABEL_LIMITS: LabelLimits = {
  labels: 64,
  labelNameBytes: 1024,
  labelValueBytes: 2048,
};

/** Dots are allowed, since OpenTelemetry's attributes have them. */
const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_.]*$/;

/** Whether it is stored as it is. */
export function isLabelName(name: string): boolean {
  return LABEL_NAME.test(name);
}

/** The name as it is stored: `http-path` and `http/path` are `http_path`, as for OpenTelemetry's attributes. */
export function toLabelName(name: string): string {
  if (isLabelName(name)) return name;
  return name.replace(/[^A-Za-z0-9_.]/g, '_').replace(/^(?=[0-9.])/, '_');
}

/**
 * Labels as they were sent, under names that are stored, without empty values. Values whose names become
 * the same are joined by `;` in the order of their names, as Prometheus does.
 * @param limits names that are longer stay, for {@link checkLabels}: of megabytes, it would take long
 */
export function toLabels(
  pairs: Iterable<readonly [name: string, value: string]>,
  { labelNameBytes }: LabelLimits = LABEL_LIMITS,
): Labels {
  const labels = new Map<string, [name: string, value: string][]>();
  for (const [name, value] of pairs) {
    if (value === '') continue;
    const stored = name.length > labelNameBytes ? name : toLabelName(name);
    const others = labels.get(stored);
    if (others) others.push([name, value]);
    else labels.set(stored, [[name, value]]);
  }
  return Object.fromEntries(
    [...labels].map(([name, sent]) => [
      name,
      sent
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, value]) => value)
        .join(';'),
    ]),
  );
}

/** @throws ProfileError `LABEL_MALFORMED` with the label, the value and the limit */
export function checkLabels(labels: Labels, limits: LabelLimits = LABEL_LIMITS): void {
  const names = Object.keys(labels);
  const tooMuch = (limit: keyof LabelLimits, what: string) =>
    new ProfileError('LABEL_MALFORMED', `${what}; at most ${limits[limit]} are allowed`, { limit });
  if (names.length > limits.labels) throw tooMuch('labels', `a series has ${names.length} labels`);
  for (const name of names) {
    // Characters that are more than a byte are none of a name's.
    if (name.length > limits.labelNameBytes) {
      const shown = JSON.stringify(name.slice(0, 80));
      throw tooMuch('labelNameBytes', `the label name ${shown}… has ${name.length} bytes`);
    }
    // Assigning to `__proto__` would not make a label of it, but lose it.
    if (!isLabelName(name) || name === '__proto__') {
      throw new ProfileError(
        'LABEL_MALFORMED',
        `label name ${JSON.stringify(name.slice(0, 80))} is not of the form [A-Za-z_][A-Za-z0-9_.]*, or reserved`,
      );
    }
    const bytes = new TextEncoder().encode(labels[name]).length;
    if (bytes > limits.labelValueBytes) {
      throw tooMuch('labelValueBytes', `the value of label ${name} has ${bytes} bytes`);
    }
  }
}
