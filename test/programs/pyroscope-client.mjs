// A program that profiles itself with Pyroscope's SDK for Node.js, unchanged.
// Usage: SERVER=http://127.0.0.1:4040 node pyroscope-client.mjs
import Pyroscope from '@pyroscope/nodejs';

Pyroscope.init({
  serverAddress: process.env.SERVER,
  appName: 'sdk',
  tags: { region: 'eu', 'otel.scope.name': 'checkout' },
  flushIntervalMs: 500,
  wall: { samplingDurationMs: 500, samplingIntervalMicros: 5000, collectCpuTime: true },
  heap: { samplingIntervalBytes: 4096, stackDepth: 64 },
});
Pyroscope.start();

const kept = [];

function burnForPyroscope() {
  let sum = 0;
  for (let i = 0; i < 2e6; i++) sum += Math.sqrt(i ^ (sum & 0xff));
  kept.push(Array.from({ length: 1000 }, () => sum));
}

setInterval(burnForPyroscope, 20);
// Ends with who started it.
process.on('disconnect', () => process.exit(0));
