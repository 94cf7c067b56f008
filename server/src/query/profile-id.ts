import { SLOT_MS } from '@bunsen/profile';

/**
 * What can be told apart of a series: what it has within a slot. Profiles that are nearer to each other
 * have one id, as their samples are stored together.
 */
export interface ProfileKey {
  series: bigint;
  /** The slot's first millisecond. */
  slotMs: number;
}

const SERIES_LOW = (1n << 52n) - 1n;
const VERSION = 8n;
const VARIANT = 2n;

/**
 * A UUID of version 8, whose content is its maker's: 48 bits of time, so that ids are in its order,
 * and 64 of the series. It names the profiles of all types that came with it. The last 10 bits are 0.
 */
export function profileId({ series, slotMs }: ProfileKey): string {
  const bits =
    (BigInt(slotMs) << 80n) |
    (VERSION << 76n) |
    ((series >> 52n) << 64n) |
    (VARIANT << 62n) |
    ((series & SERIES_LOW) << 10n);
  const hex = bits.toString(16).padStart(32, '0');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** @returns undefined if it is not of {@link profileId} */
export function parseProfileId(text: string): ProfileKey | undefined {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return undefined;
  const bits = BigInt(`0x${text.replaceAll('-', '')}`);
  const series = (((bits >> 64n) & 0xfffn) << 52n) | ((bits >> 10n) & SERIES_LOW);
  const key = { series, slotMs: Number(bits >> 80n) };
  return key.slotMs % SLOT_MS === 0 && profileId(key) === text.toLowerCase() ? key : undefined;
}
