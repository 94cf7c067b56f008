import { digits, formatValue } from '@bunsen/profile';
import type { TimeRange } from '../time/time-range.ts';

export { digits, formatShare, formatValue } from '@bunsen/profile';

/** A round number of an axis, without zeros that say nothing: `0.5`, `15`, `1.25`. */
export function roundNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** Whether values of a unit are time on a CPU, so that value / time is a number of cores. */
export function isCpuTime(unit: string): boolean {
  return unit === 'nanoseconds';
}

/** Whether values over a range are a number of cores: not of a file that does not say how long it took. */
export function hasCores(unit: string, { fromMs, untilMs }: TimeRange): boolean {
  return isCpuTime(unit) && untilMs > fromMs;
}

/** CPU time (ns) over a range as the number of cores that it kept busy on average. */
export function coresOf(valueNs: number, { fromMs, untilMs }: TimeRange): number {
  return valueNs / ((untilMs - fromMs) * 1e6);
}

/** `3.42 cores`, `1 core`. */
export function formatCores(cores: number): string {
  const text = digits(cores);
  return `${text} ${text === '1.00' ? 'core' : 'cores'}`;
}

/** A value over a range for a table: CPU time as a number of cores, everything else with its unit. */
export function formatAmount(value: number, unit: string, range: TimeRange): string {
  return hasCores(unit, range) ? digits(coresOf(value, range)) : formatValue(value, unit);
}

/** The same for prose: `3.42 cores`. */
export function formatCost(value: number, unit: string, range: TimeRange): string {
  return hasCores(unit, range) ? formatCores(coresOf(value, range)) : formatValue(value, unit);
}

const HOURS_A_MONTH = 730;

/** What so many cores cost in a month: `$ 1 240`, `$ 3.42`. */
export function formatMoney(cores: number, costPerCoreHour: number, currency: string): string {
  const amount = cores * costPerCoreHour * HOURS_A_MONTH;
  const text = amount >= 99.95 ? formatCount(amount) : amount.toFixed(2);
  return currency === '' ? text : `${currency}\u202f${text}`;
}

/** `1 234 567`, with narrow spaces. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

/** How long ago: `12 s ago`, `3 min ago`. */
export function formatAge(ageMs: number): string {
  return `${formatValue(Math.max(0, Math.round(ageMs / 1000)) * 1e9, 'nanoseconds').replace(/\.\d+/, '')} ago`;
}

/** What people call a profile type: `CPU`, `memory: alloc_space`. */
export function profileTypeName(id: string): string {
  const [name = '', sampleType = '', sampleUnit = ''] = id.split(':');
  if (name === 'process_cpu' && sampleType === 'cpu') return 'CPU';
  return name === sampleType ? `${name} (${sampleUnit})` : `${name}: ${sampleType} (${sampleUnit})`;
}
