// Loaded into a program before its own code (node --import): how long its event loop was held up at
// most, in milliseconds, goes to the file BENCH_LOOP_DELAY when it ends. From BENCH_LOOP_DELAY_FROM_S on,
// since to look at the clock 200 times a second takes half a percent of a CPU by itself.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const delay = monitorEventLoopDelay({ resolution: 5 });
setTimeout(() => delay.enable(), Number(process.env.BENCH_LOOP_DELAY_FROM_S) * 1000).unref();
process.on('exit', () => {
  const [max, p99, p9999] = [delay.max, delay.percentile(99), delay.percentile(99.99)];
  const ms = [max, p99, p9999].map((ns) => ns / 1e6);
  writeFileSync(process.env.BENCH_LOOP_DELAY, JSON.stringify(ms));
});
