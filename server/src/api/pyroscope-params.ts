import type { FastifyReply } from 'fastify';
import { BunsenError } from '../errors.ts';
import { readInteger } from '../params.ts';
import { checkRange, parsePyroscopeTime, type TimeRange } from '../time.ts';
import { MOST_MAX_NODES, required } from './query-routes.ts';

/** Parameters as Pyroscope's read side spells them. */

/** Pyroscope's defaults: nodes of a flame graph, functions of a call graph. */
export const DEFAULT_FLAME_NODES = 8_192;
export const DEFAULT_DOT_NODES = 100;

export const MAX_NODES_PARAMS = ['max-nodes', 'maxNodes'] as const;

/**
 * Of a flame graph, 0 stands for the default.
 * @throws BunsenError `PARAMETER_INVALID` also if both spellings are given and differ
 */
export function maxNodesOf(
  params: { 'max-nodes'?: string; maxNodes?: string },
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
  return readInteger(name, dashed ?? camel ?? '0', 0, most) || fallback;
}

/** A range whose beginning must be given. */
export function pyroscopeRange(
  params: Record<string, string | undefined>,
  fromName: string,
  untilName: string,
): TimeRange {
  const nowMs = Date.now();
  return checkRange({
    fromMs: parsePyroscopeTime(fromName, required(fromName, params[fromName]), nowMs),
    untilMs: parsePyroscopeTime(untilName, params[untilName] || 'now', nowMs),
  });
}

/** What the reader should know, as headers: Pyroscope's answers have no place for it. */
export function warn(reply: FastifyReply, warnings: string[]): void {
  const texts = [...new Set(warnings)].map((text) => text.replace(/[^ -~]/g, '?'));
  if (texts.length > 0) reply.header('bunsen-warning', texts);
}
