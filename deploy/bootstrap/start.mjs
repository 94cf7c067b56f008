// npm start: sets up what is missing, then runs the server with the embedded store, the UI and the
// agent that profiles this machine, until Ctrl-C.
import { bootstrap, runMain } from './bootstrap.mjs';
import { root } from './steps.mjs';
import { Supervised } from './supervise.mjs';

/** Stops once: the agent first, so that its last window still finds the server. */
function stopper(children) {
  let stopping;
  return () => {
    stopping ??= (async () => {
      for (const child of children()) await child.stop();
    })();
    return stopping;
  };
}

async function main() {
  // npm itself: package.json says exec, so that no shell stands between the two.
  const parent = process.ppid;
  const { samplerProblem } = await bootstrap();

  let finish;
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  let agent;
  const server = new Supervised({
    name: 'The server',
    command: [process.execPath, '--enable-source-maps', `${root}/server/dist/main.js`],
    env: process.env,
    onMessage: (message) => {
      if (message?.type === 'ready') onReady(message.url);
    },
    onGiveUp: (code) => stop().then(() => finish(code)),
  });
  const stop = stopper(() => (agent ? [agent, server] : [server]));

  const profilingIsOff = (reason) =>
    console.log(`\n  Profiling of this machine is off: ${reason}\n`);
  const onReady = (url) => {
    if (agent) return;
    console.log(`\n  Bunsen is running: ${url}\n  Ctrl-C stops it.\n`);
    if (samplerProblem) {
      profilingIsOff(samplerProblem);
      return;
    }
    agent = new Supervised({
      name: 'The agent',
      command: [`${root}/agent/bunsen-agent`],
      env: {
        ...process.env,
        NODE: process.execPath,
        BUNSEN_SERVER_URL: process.env.BUNSEN_SERVER_URL ?? url,
      },
      onMessage: (message) => {
        if (message?.type === 'sampling') {
          console.log(
            `  Profiling this machine: ${message.cpus} CPUs at ${message.frequencyHz} Hz.`,
          );
        }
      },
      onGiveUp: () => profilingIsOff('see the message above; server and UI go on without it.'),
    });
    agent.start();
  };
  server.start();

  let signals = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (++signals === 1) console.log('\n  Stopping…');
      stop().then(() => finish(0));
    });
  }
  // npm does not always hand a signal on; whoever is gone cannot.
  const orphaned = setInterval(() => {
    if (process.ppid !== parent) stop().then(() => finish(0));
  }, 1000);

  const code = await finished;
  clearInterval(orphaned);
  return code;
}

await runMain(main);
