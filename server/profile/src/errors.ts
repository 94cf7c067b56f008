import type { LimitName } from './limits.ts';

/** Stable codes of everything that can be wrong with a profile or a selector. Never reused. */
export type ProfileErrorCode =
  | 'PPROF_MALFORMED'
  | 'PPROF_INDEX_OUT_OF_RANGE'
  | 'PPROF_LIMIT'
  | 'FOLDED_MALFORMED'
  | 'PERF_SCRIPT_MALFORMED'
  | 'FLAME_MALFORMED'
  | 'SELECTOR_MALFORMED'
  | 'PROFILE_TYPE_MALFORMED'
  | 'LABEL_MALFORMED';

/** Input that this package refuses. The message names the field, the value and the limit. */
export class ProfileError extends Error {
  override readonly name = 'ProfileError';
  readonly code: ProfileErrorCode;
  /** The limit that was reached, if it was one that can be set. */
  readonly limit: LimitName | undefined;

  constructor(
    code: ProfileErrorCode,
    message: string,
    options?: ErrorOptions & { limit?: LimitName },
  ) {
    super(message, options);
    this.code = code;
    this.limit = options?.limit;
  }
}
