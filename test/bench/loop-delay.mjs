// Loaded into a program before its own code (node --import): how long its event loop was held up at
// most, in milliseconds, goes to the file BENCH_LOOP_DELAY when it ends.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 5 });
// What the program does to start is no part of it.
setTimeout(() => delay.enable(), 10_000).unref();
process.on('exit', () => {
  const [max, p99, p9999] = [delay.max, delay.percentile(99), delay.percentile(99.99)];
  const ms = [max, p99, p9999].map((ns) => ns / 1e6);
  writeFileSync(process.env.BENCH_LOOP_DELAY, JSON.stringify(ms));
});
