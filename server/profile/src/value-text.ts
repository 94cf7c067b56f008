const DURATIONS: [divisor: number, unit: string][] = [
  [365.25 * 86_400e9, 'y'],
  [86_400e9, 'd'],
  [3600e9, 'h'],
  [60e9, 'min'],
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
];
const BYTES: [divisor: number, unit: string][] = [
  [2 ** 60, 'EiB'],
  [2 ** 50, 'PiB'],
  [2 ** 40, 'TiB'],
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [2 ** 10, 'KiB'],
];
const COUNTS: [divisor: number, unit: string][] = [
  [1e18, 'E'],
  [1e15, 'P'],
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
];

/** A value in its unit, to three digits: `4.31 min`, `12.0 MiB`, `1.02 k`. */
export function formatValue(value: number, unit: string): string {
  if (unit === 'nanoseconds') return scaled(value, DURATIONS, 'ns');
  if (unit === 'bytes') return scaled(value, BYTES, 'B');
  return scaled(value, COUNTS, unit === 'count' || unit === 'short' ? '' : unit);
}

function scaled(value: number, steps: [number, string][], unit: string): string {
  const size = Math.abs(value);
  // 0.9995 of a step is written as 1.00 of it, not as 1000 of the one below.
  const step = steps.find(([divisor]) => size >= divisor * 0.9995);
  return step ? `${digits(value / step[0])} ${step[1]}` : `${digits(value)} ${unit}`.trimEnd();
}

/** Three significant digits, but whole numbers from 100 on, and no exponent. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size < 0.0005) return value < 0 ? '>−0.001' : '<0.001';
  const sign = value < 0 ? '−' : '';
  if (size >= 99.95) return sign + Math.round(size);
  return sign + size.toFixed(size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3);
}

/** A share of 1 in percent: `42.1 %`, `0.08 %`; `<0.01 %` for what is there but rounds to nothing. */
export function formatShare(share: number): string {
  const percent = Math.abs(share) * 100;
  if (percent === 0) return '0 %';
  if (percent < 0.01) return share < 0 ? '>−0.01 %' : '<0.01 %';
  const sign = share < 0 ? '−' : '';
  return `${sign}${percent.toFixed(percent >= 99.95 ? 0 : percent >= 0.995 ? 1 : 2)} %`;
}
