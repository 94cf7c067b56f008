import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeSettings } from '../settings.ts';
import { ticksOf, tickText } from './ticks.ts';
import {
  describeRange,
  describeTimeZone,
  earlierTime,
  formatTime,
  parseTime,
  resolveRange,
  stepFor,
  widenRange,
} from './time-range.ts';

const NOW = Date.UTC(2026, 10, 21, 9, 30, 15);
const MINUTE = 60_000;

test('times relative to now', () => {
  assert.equal(parseTime('now', NOW), NOW);
  assert.equal(parseTime(' now-90m ', NOW), NOW - 90 * MINUTE);
  assert.equal(parseTime('now-2d', NOW), NOW - 2 * 24 * 60 * MINUTE);
});

test('milliseconds since 1970, and local times that come back as they were', () => {
  assert.equal(parseTime(String(NOW), NOW), NOW);
  assert.equal(parseTime(formatTime(NOW), NOW), NOW);
  assert.equal(parseTime('2026-11-21 09:30', NOW), new Date(2026, 10, 21, 9, 30).getTime());
  assert.equal(parseTime('2026-11-21', NOW), new Date(2026, 10, 21).getTime());
});

test('what is no time', () => {
  for (const text of [
    '',
    'yesterday',
    'now-1y',
    'now+1h',
    '2026-02-30',
    '2026-11-21 25:00',
    '12',
  ]) {
    assert.equal(parseTime(text, NOW), null, text);
  }
});

test('a range says what is wrong with it', () => {
  assert.deepEqual(resolveRange('now-1h', 'now', NOW), { fromMs: NOW - 60 * MINUTE, untilMs: NOW });
  assert.match(JSON.stringify(resolveRange('soon', 'now', NOW)), /“soon” is no time/);
  assert.match(JSON.stringify(resolveRange('now', 'now-1h', NOW)), /ends before it begins/);
  assert.match(JSON.stringify(resolveRange('now', 'now', NOW)), /ends before it begins/);
});

test('ranges in words', () => {
  assert.equal(describeRange('now-30m', 'now', NOW), 'Last 30 minutes');
  assert.equal(describeRange('now-7m', 'now', NOW), 'Last 7m');
  assert.equal(describeRange('now-90m', 'now-1h', NOW), '1h 30m – 1h ago');
  assert.equal(describeRange('now-1470m', 'now-1d', NOW), '1d 30m – 1d ago');
  const [from, until] = ['2026-11-21 09:00:00', '2026-11-21 09:30:00'];
  assert.equal(describeRange(from, until, NOW), '2026-11-21 09:00:00 – 09:30:00');
});

test('widening doubles a range and does not reach into the future', () => {
  const hour = { fromMs: NOW - 60 * MINUTE, untilMs: NOW };
  assert.deepEqual(widenRange(hour, NOW), { fromMs: NOW - 120 * MINUTE, untilMs: NOW });
  const past = { fromMs: NOW - 600 * MINUTE, untilMs: NOW - 540 * MINUTE };
  assert.deepEqual(widenRange(past, NOW), {
    fromMs: NOW - 630 * MINUTE,
    untilMs: NOW - 510 * MINUTE,
  });
});

test('steps are whole slots and few enough', () => {
  assert.equal(stepFor({ fromMs: 0, untilMs: 30 * MINUTE }, 240), 15_000);
  assert.equal(stepFor({ fromMs: 0, untilMs: 24 * 60 * MINUTE }, 240), 600_000);
  assert.equal(stepFor({ fromMs: 0, untilMs: 3e12 }, 240), 86_400_000);
});

test('an earlier time is written as the one it comes from', () => {
  assert.equal(earlierTime('now', 30 * MINUTE, NOW), 'now-30m');
  assert.equal(earlierTime('now-30m', 60 * MINUTE, NOW), 'now-90m');
  assert.equal(earlierTime('now-30m', 30 * MINUTE, NOW), 'now-1h');
  assert.equal(earlierTime('now', 0, NOW), 'now');
  assert.equal(earlierTime('now-6d', 24 * 60 * MINUTE, NOW), 'now-1w');
  assert.equal(earlierTime(String(NOW), MINUTE, NOW), String(NOW - MINUTE));
  assert.equal(earlierTime('soon', MINUTE, NOW), null);
});

test('the reader’s zone is the one of the browser, or UTC', (t) => {
  const zone = process.env['TZ'];
  process.env['TZ'] = 'Asia/Kolkata';
  t.after(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
    changeSettings({ zone: 'local' });
  });
  const text = '2026-11-21 15:00:15';
  assert.equal(formatTime(NOW), text);
  assert.equal(parseTime(text, 0), NOW);
  assert.equal(describeTimeZone(NOW), 'Asia/Calcutta, UTC+5:30'.replace('Calcutta', cityOf(NOW)));
  changeSettings({ zone: 'utc' });
  assert.equal(formatTime(NOW), '2026-11-21 09:30:15');
  assert.equal(parseTime('2026-11-21 09:30:15', 0), NOW);
  assert.equal(parseTime('2026-02-30', 0), null);
  assert.equal(describeTimeZone(NOW), 'UTC');
});

/** Both spellings are in use. */
function cityOf(timeMs: number): string {
  return describeTimeZone(timeMs).includes('Kolkata') ? 'Kolkata' : 'Calcutta';
}

test('ticks are round on the reader’s clock', (t) => {
  const zone = process.env['TZ'];
  process.env['TZ'] = 'Asia/Kolkata';
  t.after(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });
  const { times, stepMs } = ticksOf({ fromMs: NOW, untilMs: NOW + 5 * 60 * MINUTE }, 6);
  assert.equal(stepMs, 60 * MINUTE);
  assert.deepEqual(
    times.map((time) => tickText(time, stepMs)),
    ['16:00', '17:00', '18:00', '19:00', '20:00'],
  );
  assert.equal(tickText(Date.UTC(2026, 10, 20, 18, 30), stepMs), '11-21');
  assert.equal(tickText(NOW, 15_000), '15:00:15');
});
