/** Worker: a body in, encoded batches out. What is slow about a push happens here. */
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { asBunsenError, BunsenError, type ErrorCode } from '../errors.ts';
import { hashTexts } from '../store/content-hash.ts';
import { encodeBatch, type ProfileBatch } from '../store/profile-batch.ts';
import { SeenSet } from '../store/seen-set.ts';
import { type CumulativeOutcome, CumulativeProfiles, type LastProfiles } from './cumulative.ts';
import { type BodySource, decodeBody } from './decode.ts';
import type { IngestLimits } from './limits.ts';

export interface DecodeTask {
  body: Uint8Array;
  gzipped: boolean;
  source: BodySource;
  limits: IngestLimits;
  nowMs: number;
  /** The client's key, or a random one. */
  id: string;
  /** The client chose the key: it may send this again, so the time must not depend on when. */
  repeatable: boolean;
  /** Of the series that were asked for. */
  lastProfiles: LastProfiles;
  seen: SharedArrayBuffer;
}

/** Errors cross threads as values: a thrown one would lose its class and its code. */
export type DecodeResult =
  /** Without batches if `cumulative.unknown` has series: the same task needs their last profiles. */
  | { batches: ProfileBatch[]; cumulative: CumulativeOutcome }
  | { error: { code: ErrorCode; message: string } };

export default function decode(task: DecodeTask): DecodeResult {
  try {
    const { body, gzipped, source, limits, nowMs, lastProfiles } = task;
    const cumulative = new CumulativeProfiles(limits, nowMs, lastProfiles);
    const profiles = decodeBody(body, gzipped, source, limits, cumulative);
    const { outcome } = cumulative;
    if (outcome.unknown.size > 0) return { batches: [], cumulative: outcome };
    const timesMs = profiles.map(({ timeMs }) => checkTime(timeMs, task));
    const seen = new SeenSet(task.seen);
    const batches = profiles.map(({ profile, types, spans }, index) =>
      encodeBatch(
        { profile, types, spans, timeMs: timesMs[index] as number, pushId: pushId(task.id, index) },
        seen,
      ),
    );
    return transfer(batches, outcome);
  } catch (error) {
    const known = asBunsenError(error);
    if (!known) throw error;
    return { error: { code: known.code, message: known.message } };
  }
}

/** The same body has the same profiles in the same order, so that each is known when it is repeated. */
function pushId(id: string, index: number): bigint {
  return hashTexts(index === 0 ? [id] : [id, String(index)]);
}

function checkTime(timeMs: number | undefined, { limits, nowMs, repeatable }: DecodeTask): number {
  if (timeMs === undefined) {
    if (!repeatable) return nowMs;
    throw new BunsenError(
      'TIMESTAMP_OUT_OF_RANGE',
      'the profile has no time (time_nanos, or the parameter from, which must not be relative to now): with an idempotency key it needs one, as it must be the same when the request is repeated',
    );
  }
  if (timeMs < nowMs - limits.ageMs || timeMs > nowMs + limits.aheadMs) {
    throw new BunsenError(
      'TIMESTAMP_OUT_OF_RANGE',
      `the profile's time ${new Date(timeMs).toISOString()} is not between ${limits.ageMs / 1000} s ago (BUNSEN_MAX_AGE_MS) and ${limits.aheadMs / 1000} s ahead (BUNSEN_MAX_AHEAD_MS) of the server's ${new Date(nowMs).toISOString()}: check the clocks`,
    );
  }
  return timeMs;
}

/** Hands the blocks over instead of copying them: a big one would hold up the main thread. */
function transfer(batches: ProfileBatch[], cumulative: CumulativeOutcome): DecodeResult {
  const blocks = batches.flatMap(({ tables, stacks }) => [...Object.values(tables), stacks]);
  const buffers = blocks.flatMap((block) => (block ? [block.buffer] : []));
  const movable = { [transferableSymbol]: buffers, [valueSymbol]: { batches, cumulative } };
  return move(movable as never) as unknown as DecodeResult;
}
