import type { Labels } from './label.ts';
import type { ValueType } from './profile-type.ts';

/** Positions in a list, in numbers as wide as it needs. */
export type Indices = Uint8Array | Uint16Array | Uint32Array;

/** Stacks as columns. Stack `i` is `stackFrames[stackOffsets[i] .. stackOffsets[i + 1]]`, root first. */
export interface StackColumns {
  /** Stored frames (frame.ts). Some may recur: of functions that look the same, or very long. */
  frames: string[];
  /** One entry more than there are stacks; starts with 0. */
  stackOffsets: Uint32Array;
  /** Indices into `frames`. */
  stackFrames: Indices;
}

/** One profile as columns: what every ingest format is decoded into. */
export interface Profile extends StackColumns {
  /** Start, nanoseconds since 1970; 0 if the producer did not say. */
  timeNs: bigint;
  /** 0 if the producer did not say. */
  durationNs: bigint;
  /** One or more. */
  sampleTypes: ValueType[];
  /** What makes a sample be taken, such as `cpu` in `nanoseconds`; empty strings if unknown. */
  periodType: ValueType;
  /** Events between two samples, in the unit of `periodType`; 0 if unknown. */
  period: bigint;
  /** Per sample: index of its stack. */
  sampleStack: Uint32Array;
  /** Per sample: index into `labelSets`. */
  sampleLabels: Uint32Array;
  /** Samples x sample types, row by row, as sent: negative values are allowed. */
  sampleValues: BigInt64Array;
  /** Label sets, distinct but for those of more than 16,000 characters; string labels only. */
  labelSets: Labels[];
}
