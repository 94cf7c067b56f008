// What is left of pushes when the embedded store is killed in the middle of inserts, and of one tenant's
// answers in another's when every second query fails. Counts, from real processes; README.md.

import { showIsolation } from './fault-isolation.ts';
import { showKills } from './fault-kills.ts';
import { Cleanups, parseSize, report } from './report.ts';

const size = parseSize();
const full = size === 'full';

await Cleanups.run(async (t) => {
  const kills = await showKills(t, { kills: full ? 20 : 4 });
  const isolation = await showIsolation(t, { queries: full ? 1000 : 200 });
  report('faults', size, [...kills, ...isolation]);
});
