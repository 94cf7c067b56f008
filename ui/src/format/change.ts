/**
 * `new`, `gone`, `+12 %`, `×3.4`, or nothing where there is nothing on either side, or a negative
 * value, which is in no proportion to any other.
 */
export function relativeChange(left: number, right: number): string {
  if (left === 0) return right === 0 ? '' : 'new';
  if (right === 0) return 'gone';
  if (left < 0 || right < 0) return '';
  const ratio = right / left;
  if (ratio >= 2) return `×${ratio >= 9.95 ? Math.round(ratio) : ratio.toFixed(1)}`;
  const percent = Math.round((ratio - 1) * 100);
  return percent === 0 ? '±0 %' : signed(percent, `${Math.abs(percent)} %`);
}

/** A text of a size with the sign of the value. */
export function signed(value: number, text: string): string {
  return value === 0 ? text : `${value > 0 ? '+' : '−'}${text}`;
}
