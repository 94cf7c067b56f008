import { BunsenError } from '../errors.ts';

/** What one request may hold. Each is an option (config.ts), and is named by the error about it. */
export interface IngestLimits {
  /** Body as sent, compressed or not. */
  bodyBytes: number;
  /** Profile after decompression: inflating stops there. */
  profileBytes: number;
  /** Values of a request: samples times sample types. */
  values: number;
  /** Distinct label sets of a request. */
  series: number;
  /** Entries of a table of a profile: strings, functions, locations, attributes. */
  tableEntries: number;
  /** Frames of a stack. Deeper ones are refused: a stack that was cut is a wrong stack. */
  stackDepth: number;
  /** Bytes of a frame: name, module, file, line and build ID. */
  frameBytes: number;
  /** How old a profile may be. Well below the 14 days that samples are kept. */
  ageMs: number;
  /** The last profiles of series whose values are cumulative; 0 = none is kept. */
  cumulativeBytes: number;
  /** How far ahead of the server's clock a profile may be. */
  aheadMs: number;
}

/** Error about more of something than a limit allows. */
export function tooMany(
  count: number | 'more',
  what: string,
  limit: number,
  option: string,
): BunsenError {
  return new BunsenError(
    'PROFILE_TOO_LARGE',
    `the profile has ${count} ${what}; at most ${limit} are allowed (${option}): send a shorter window, or raise the limit`,
  );
}

/** @param text of the frame, or as much of it as is at hand */
export function frameTooLong(text: string, bytes: number, limits: IngestLimits): BunsenError {
  return new BunsenError(
    'STRING_TOO_LONG',
    `the function ${JSON.stringify(text.slice(0, 80))}… has ${bytes} bytes; at most ${limits.frameBytes} are allowed (BUNSEN_MAX_FRAME_BYTES)`,
  );
}
