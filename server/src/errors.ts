import { ProfileError, type ProfileErrorCode } from '@bunsen/profile';

/**
 * The one table of everything that a reply can say went wrong: code -> HTTP status. Codes are
 * stable and never reused; the README lists them with what to do (a test compares the two).
 */
export const ERROR_STATUS = {
  // What was sent is wrong.
  PARAMETER_UNKNOWN: 400,
  PARAMETER_INVALID: 400,
  RANGE_EMPTY: 400,
  REGEX_MALFORMED: 400,
  APP_NAME_MALFORMED: 400,
  SERVICE_NAME_MISSING: 400,
  TIMESTAMP_OUT_OF_RANGE: 400,
  BODY_EMPTY: 400,
  BODY_MALFORMED: 400,
  STACK_TOO_DEEP: 400,
  STRING_TOO_LONG: 400,
  PPROF_MALFORMED: 400,
  PPROF_INDEX_OUT_OF_RANGE: 400,
  PPROF_LIMIT: 400,
  FOLDED_MALFORMED: 400,
  PERF_SCRIPT_MALFORMED: 400,
  TREE_MALFORMED: 400,
  SPEEDSCOPE_MALFORMED: 400,
  JFR_MALFORMED: 400,
  OTLP_MALFORMED: 400,
  OTLP_VERSION_UNSUPPORTED: 400,
  FLAME_MALFORMED: 400,
  SELECTOR_MALFORMED: 400,
  PROFILE_TYPE_MALFORMED: 400,
  PROMQL_MALFORMED: 400,
  PROMQL_UNSUPPORTED: 400,
  LABEL_MALFORMED: 400,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  BODY_TOO_LARGE: 413,
  PROFILE_TOO_LARGE: 413,
  CONTENT_TYPE_UNSUPPORTED: 415,
  FORMAT_UNSUPPORTED: 422,
  PARAMETER_CONTRADICTION: 422,
  PROMQL_AMBIGUOUS: 422,
  QUERY_MEMORY_LIMIT: 422,
  QUERY_ROWS_LIMIT: 422,
  // The server cannot do it now: the same request may succeed later.
  INGEST_BUSY: 429,
  INTERNAL: 500,
  NOT_IMPLEMENTED: 501,
  QUERIES_BUSY: 503,
  STORE_UNAVAILABLE: 503,
  QUERY_TIMEOUT: 504,
} as const satisfies Record<ProfileErrorCode | (string & {}), number>;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** An error that a client may see. The message names the field, the value, the limit, the remedy. */
export class BunsenError extends Error {
  override readonly name = 'BunsenError';
  readonly code: ErrorCode;
  /** Value of the `Retry-After` header; set where waiting helps. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options?: ErrorOptions & { retryAfterSeconds?: number },
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterSeconds = options?.retryAfterSeconds;
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }
}

/** What a client is told of a defect: only the log says more. */
export function internalError(): BunsenError {
  return new BunsenError('INTERNAL', 'the server failed at this request; its log says why');
}

/** What is wrong with the configuration or the environment: the process ends with exit code 2. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The error as a client sees it; `undefined` if it is none of ours, and so a defect. */
export function asBunsenError(error: unknown): BunsenError | undefined {
  if (error instanceof BunsenError) return error;
  if (error instanceof ProfileError) {
    return new BunsenError(error.code, error.message, { cause: error });
  }
  return undefined;
}
