import type { FastifyReply } from 'fastify';
import { BunsenError } from '../errors.ts';
import { checkInteger } from '../params.ts';
import { checkRange, parsePyroscopeTime, type TimeRange } from '../time.ts';
import { MOST_MAX_NODES } from './flame-operations.ts';

/** Parameters as Pyroscope's read side spells them. */

/** Pyroscope's defaults: nodes of a flame graph, functions of a call graph. */
export const DEFAULT_FLAME_NODES = 8_192;
export const DEFAULT_DOT_NODES = 100;

/**
 * Of a flame graph, 0 stands for the default.
 * @throws BunsenError `PARAMETER_INVALID` also if both spellings are given and differ
 */
export function maxNodesOf(
  params: { 'max-nodes': number | undefined; maxNodes: number | undefined },
  { fallback, most = MOST_MAX_NODES }: { fallback: number; most?: number },
): number {
  const [dashed, camel] = [params['max-nodes'], params.maxNodes];
  if (dashed !== undefined && camel !== undefined && dashed !== camel) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `max-nodes=${dashed} and maxNodes=${camel} are one parameter: give it once`,
    );
  }
  const name = dashed === undefined ? 'maxNodes' : 'max-nodes';
  return checkInteger(name, dashed ?? camel ?? 0, 0, most) || fallback;
}

/** The end of a range is now if it is not given. */
export function pyroscopeRange(
  [fromName, from]: [name: string, text: string],
  [untilName, until]: [name: string, text: string | undefined],
): TimeRange {
  const nowMs = Date.now();
  return checkRange({
    fromMs: parsePyroscopeTime(fromName, from, nowMs),
    untilMs: parsePyroscopeTime(untilName, until || 'now', nowMs),
  });
}

/** What the reader should know, as headers: Pyroscope's answers have no place for it. */
export function warn(reply: FastifyReply, warnings: string[]): void {
  const texts = [...new Set(warnings)].map((text) => text.replace(/[^ -~]/g, '?'));
  if (texts.length > 0) reply.header('bunsen-warning', texts);
}
