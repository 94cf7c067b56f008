import type { AgentReport } from '@bunsen/profile';
import { BunsenError } from '../errors.ts';

/** Bytes of a report: some hundred figures with their names take four thousand. */
export const REPORT_BYTES = 65_536;

const TEXT_LENGTH = 255;
const FIGURES = 200;
const NAME = /^[a-z][a-z0-9_]{0,63}$/;
const FIGURES_RULE = `an object of at most ${FIGURES} numbers from 0 on, with names like ${NAME.source}`;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** How each field is checked: what it must be, and whether it is. */
const FIELDS: {
  [Name in keyof AgentReport]: { must: string; is: (value: unknown) => boolean };
} = {
  host: { must: `a text of 1 to ${TEXT_LENGTH} characters`, is: isText },
  instance: { must: 'a UUID', is: (value) => typeof value === 'string' && UUID.test(value) },
  version: { must: `a text of 1 to ${TEXT_LENGTH} characters`, is: isText },
  kernel: { must: `a text of 1 to ${TEXT_LENGTH} characters`, is: isText },
  uptimeMs: { must: 'a whole number of milliseconds', is: (value) => isWhole(value, 2 ** 53 - 1) },
  cpus: { must: 'a whole number from 1 to 65535', is: (value) => isWhole(value, 65_535, 1) },
  frequencyHz: {
    must: 'a whole number from 1 to 1000000',
    is: (value) => isWhole(value, 1_000_000, 1),
  },
  counters: { must: FIGURES_RULE, is: areFigures },
  gauges: { must: FIGURES_RULE, is: areFigures },
};

/**
 * The report that a body has.
 * @throws BunsenError `BODY_EMPTY`; `BODY_MALFORMED` if it is no JSON object; `PARAMETER_UNKNOWN`,
 *   `PARAMETER_INVALID` with the name of the field, its value and what it must be
 */
export function readReport(body: Buffer): AgentReport {
  if (body.length === 0) throw new BunsenError('BODY_EMPTY', 'a report is a JSON object');
  const given = parseObject(body.toString('utf8'));
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(FIELDS, name));
  if (unknown !== undefined) {
    const known = Object.keys(FIELDS).join(', ');
    throw new BunsenError(
      'PARAMETER_UNKNOWN',
      `unknown field ${shown(unknown)} of a report; it has ${known}`,
    );
  }
  for (const [name, { must, is }] of Object.entries(FIELDS)) {
    if (!is(given[name])) {
      throw new BunsenError('PARAMETER_INVALID', `${name}=${shown(given[name])} is not ${must}`);
    }
  }
  return given as unknown as AgentReport;
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value = JSON.parse(text) as unknown;
    if (isRecord(value)) return value;
  } catch {
    // As below.
  }
  throw new BunsenError('BODY_MALFORMED', 'the body of a report must be one JSON object');
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= TEXT_LENGTH;
}

function isWhole(value: unknown, most: number, least = 0): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function areFigures(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length <= FIGURES &&
    entries.every(([name, figure]) => NAME.test(name) && isFigure(figure))
  );
}

function isFigure(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 120);
}
