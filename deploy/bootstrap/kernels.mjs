// npm run kernels -- [--write | NAME…]: the agent on other kernels, see test/kernels.
import { spawnSync } from 'node:child_process';
import { bootstrap, runMain } from './bootstrap.mjs';
import { root } from './steps.mjs';

await runMain(async () => {
  await bootstrap({ kernels: true });
  const matrix = ['test/dist/kernels/matrix.js', ...process.argv.slice(2)];
  return spawnSync(process.execPath, matrix, { cwd: root, stdio: 'inherit' }).status;
});
