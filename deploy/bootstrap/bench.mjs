// npm run bench -- NAME [--size small|full]: one benchmark of test/bench; without NAME, their names.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { bootstrap, runMain } from './bootstrap.mjs';
import { root } from './steps.mjs';

const names = readdirSync(path.join(root, 'test/bench'))
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
  .sort();

await runMain(async () => {
  const [name, ...rest] = process.argv.slice(2);
  if (!name) {
    console.log(names.join('\n'));
    return 0;
  }
  if (!names.includes(name)) {
    console.error(`There is no benchmark ${JSON.stringify(name)}; there are: ${names.join(', ')}`);
    return 2;
  }
  await bootstrap();
  const compiled = path.join('test/dist/bench', `${name}.bench.js`);
  if (!existsSync(path.join(root, compiled))) throw new Error(`${compiled} was not built`);
  return spawnSync(process.execPath, [compiled, ...rest], { cwd: root, stdio: 'inherit' }).status;
});
