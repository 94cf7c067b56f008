// Burns CPU in two JavaScript functions with names; run with --perf-basic-prof.
// Usage: node --perf-basic-prof burn.mjs [SECONDS]
function burnInJavaScript(rounds) {
  let sum = 0;
  for (let i = 0; i < rounds; i++) sum += Math.sqrt(i ^ (sum & 0xff));
  return sum;
}

function callTheBurner(rounds) {
  return burnInJavaScript(rounds) + 1;
}

const end = Date.now() + Number(process.argv[2] ?? 10) * 1000;
let total = 0;
while (Date.now() < end) total += callTheBurner(5000);
process.exitCode = Number.isFinite(total) ? 0 : 1;
