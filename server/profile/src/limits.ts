import { ProfileError } from './errors.ts';

/** What one profile may hold. Whoever reads the profiles of others sets it. */
export interface ProfileLimits {
  /** Samples times sample types. */
  values: number;
  /**
   * Entries of a table, and lines of all locations together. An entry takes two bytes, so that without
   * a limit a body of some megabytes could hold a thread for many seconds.
   */
  tableEntries: number;
  /** String labels of one sample as sent. */
  sentLabels: number;
  /**
   * Frames of all stacks together. One location or line can be referred to again and again, so that a
   * body of some kilobytes may stand for thousands of millions; and an array of 2^27 elements ends the
   * process, not only its thread.
   */
  stackFrames: number;
  /**
   * Characters of the names, files and modules of all frames; and of the labels of all series. One
   * string can be referred to again and again, and each frame is a text of its own.
   */
  textChars: number;
}

/** What the labels of one series may be. */
export interface LabelLimits {
  labels: number;
  labelNameBytes: number;
  labelValueBytes: number;
}

export type LimitName = keyof ProfileLimits | keyof LabelLimits;

/** For somebody's own files. */
export const FILE_LIMITS: ProfileLimits = {
  values: 1 << 22,
  tableEntries: 1 << 20,
  sentLabels: 256,
  stackFrames: 1 << 25,
  textChars: 1 << 27,
};

/** Labels of all samples for each value that there may be. What is well-formed has less. */
export const LABELS_PER_VALUE = 4;

/**
 * Error about more of something than a limit allows.
 * @param given how many there are, if that is known, and how many are allowed where that is not the
 *   limit itself
 */
export function tooMany(
  what: string,
  limit: keyof ProfileLimits,
  limits: ProfileLimits,
  given: { count?: number; most?: number } = {},
): ProfileError {
  const { count = 'more', most = limits[limit] } = given;
  const message = `the profile has ${count} ${what}; at most ${most} are allowed`;
  return new ProfileError('PPROF_LIMIT', message, { limit });
}
