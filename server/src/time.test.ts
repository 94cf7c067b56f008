import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRange, parsePyroscopeTime, parseTime } from './time.ts';

const now = Date.parse('2026-11-21T10:00:00.123Z');

test("times of Bunsen's API", () => {
  assert.equal(parseTime('from', '1795255200123', now), now);
  assert.equal(parseTime('from', '0', now), 0);
  assert.equal(parseTime('from', 'now', now), now);
  assert.equal(parseTime('from', 'now-1h', now), now - 3_600_000);
  assert.equal(parseTime('from', 'now+90s', now), now + 90_000);
  for (const text of ['', 'now-', 'now-1y', '-5', '1e3', '2026-11-21', '1.5', ' now']) {
    assert.throws(() => parseTime('from', text, now), { code: 'PARAMETER_INVALID' }, text);
  }
});

test("times of Pyroscope's API, by the number of digits", () => {
  const ms = 1_795_255_200_000;
  for (const text of ['1795255200', `${ms}`, `${ms}000`, `${ms}000000`]) {
    assert.equal(parsePyroscopeTime('from', text, now), ms, text);
  }
  assert.equal(parsePyroscopeTime('from', '20261121', now), Date.parse('2026-11-21T00:00:00Z'));
  assert.equal(parsePyroscopeTime('from', 'now-15m', now), now - 900_000);
  assert.throws(() => parsePyroscopeTime('from', 'noon', now), { code: 'PARAMETER_INVALID' });
});

test('a range must not be empty', () => {
  assert.throws(() => checkRange({ fromMs: 5, untilMs: 5 }), { code: 'RANGE_EMPTY' });
  assert.deepEqual(checkRange({ fromMs: 5, untilMs: 6 }), { fromMs: 5, untilMs: 6 });
});

test('what is no time of the store is refused, and not taken for another', () => {
  for (const text of ['now-999999999w', 'now-3000w', 'now+9000w', '999999999999999']) {
    assert.throws(() => parseTime('from', text, now), { message: /between the years 1970 and/ });
  }
  for (const text of ['19000101', '99999999999999999999', 'now-9000w']) {
    assert.throws(() => parsePyroscopeTime('from', text, now), { code: 'PARAMETER_INVALID' });
  }
  for (const text of ['20260230', '20261301', '20260100']) {
    assert.throws(() => parsePyroscopeTime('from', text, now), { message: /day of the calendar/ });
  }
});
