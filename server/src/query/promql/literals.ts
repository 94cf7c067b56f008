const DURATION_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  y: 365 * 86_400_000,
};
const DURATION = /^(?:\d+y)?(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?(?:\d+ms)?$/;

/** `1h30m`, or a number of seconds, in whole milliseconds; undefined if it is neither. */
export function parseDuration(text: string): number | undefined {
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (text === '' || !DURATION.test(text)) return undefined;
  let ms = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+)(ms|[ywdhms])/g)) {
    ms += Number(amount) * (DURATION_MS[unit as string] as number);
  }
  return ms;
}

/** `1h30m`, as Prometheus writes it. */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s';
  let text = '';
  let rest = ms;
  // Years and weeks only where nothing is left beside them: 9d is not 1w2d.
  for (const unit of ['y', 'w', 'd', 'h', 'm', 's', 'ms']) {
    const size = DURATION_MS[unit] as number;
    if ((unit === 'y' || unit === 'w') && rest % size !== 0) continue;
    const amount = Math.floor(rest / size);
    if (amount > 0) text += `${amount}${unit}`;
    rest -= amount * size;
  }
  return text;
}

/** A number of PromQL: decimal, hexadecimal, `Inf`, `NaN`, or a duration in seconds. */
export function parseNumber(text: string): number {
  const [, sign, digits] = /^([+-]?)(.*)$/.exec(text.replace(/[\s_]/g, '')) as unknown as string[];
  const unsigned = (digits as string).toLowerCase();
  const value =
    unsigned === 'inf'
      ? Number.POSITIVE_INFINITY
      : unsigned === 'nan'
        ? Number.NaN
        : /^0[0-7]+$/.test(unsigned)
          ? Number.parseInt(unsigned, 8)
          : /^[\d.]|^0x/.test(unsigned) && !Number.isNaN(Number(unsigned))
            ? Number(unsigned)
            : (parseDuration(unsigned) ?? Number.NaN) / 1000;
  return sign === '-' ? -value : value;
}

/** A number as Prometheus writes it: as short as it can be, and never with an exponent. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const text = String(value);
  const match = /^(-?)(\d+)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (!match) return Object.is(value, -0) ? '-0' : text;
  const [, sign, whole = '', fraction = '', exponent] = match;
  const shift = Number(exponent);
  return shift > 0
    ? `${sign}${whole}${fraction.padEnd(shift, '0')}`
    : `${sign}0.${'0'.repeat(-shift - 1)}${whole}${fraction}`;
}

/** A number as Go prints it, which Prometheus does in expressions: `0.5`, `1e+09`. */
export function formatLiteral(value: number): string {
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string | undefined];
  if (exponent === undefined) return formatNumber(value);
  const power = Number(exponent);
  if (power >= -4 && power < 6) return formatNumber(value);
  return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`;
}
