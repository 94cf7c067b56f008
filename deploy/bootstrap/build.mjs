// npm run build: everything that npm start would build, and nothing started.
import { bootstrap, runMain } from './bootstrap.mjs';

await runMain(async () => {
  const { samplerProblem } = await bootstrap();
  if (samplerProblem) console.error(`\n✗ The sampler was not built. ${samplerProblem}`);
  return samplerProblem ? 1 : 0;
});
