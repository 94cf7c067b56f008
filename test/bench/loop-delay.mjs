// Loaded into a program before its own code (node --import): how long its event loop was held up, in
// milliseconds, goes to the file BENCH_LOOP_DELAY when it ends. From BENCH_LOOP_DELAY_FROM_S on, since
// to look at the clock 200 times a second takes half a percent of a CPU by itself.
//
// A turn is late when the loop was busy, and when the kernel had given the CPU to somebody else: on a
// host that has more to do than CPUs that is most of it, and no program can help it. The kernel counts
// how long a thread has waited for a CPU, so both are told.
import { readFileSync, writeFileSync } from 'node:fs';

const RESOLUTION_MS = 5;
/** How late each turn was; and without the time in which the thread could have run, and did not. */
const late = [];
const blocked = [];

/** Of the main thread, in ms: the second figure of its schedstat is in nanoseconds. */
const waitedMs = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;

function next(fromMs, waitedFromMs) {
  setTimeout(() => {
    const lateMs = performance.now() - fromMs - RESOLUTION_MS;
    const waited = waitedMs();
    late.push(Math.max(0, lateMs));
    blocked.push(Math.max(0, lateMs - (waited - waitedFromMs)));
    next(performance.now(), waited);
  }, RESOLUTION_MS).unref();
}

setTimeout(
  () => next(performance.now(), waitedMs()),
  Number(process.env.BENCH_LOOP_DELAY_FROM_S) * 1000,
).unref();

/** @returns the most, and what 99 and 99.99 of 100 are below */
const figures = (values) => {
  const sorted = Float64Array.from(values).sort();
  return [1, 0.9999, 0.99].map((share) => sorted[Math.ceil(share * sorted.length) - 1]);
};
process.on('exit', () => {
  const result = { late: figures(late), blocked: figures(blocked) };
  writeFileSync(process.env.BENCH_LOOP_DELAY, JSON.stringify(result));
});
