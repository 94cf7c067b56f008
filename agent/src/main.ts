import { randomUUID } from 'node:crypto';
import { DRAIN_INTERVAL_MS, readConfig } from './config.ts';
import { AgentError } from './errors.ts';
import { CostMeter } from './govern/cost.ts';
import { describePace, Governor } from './govern/governor.ts';
import { ContainerNames } from './label/cgroup.ts';
import { KubernetesPods } from './label/kubernetes.ts';
import { labelWindow } from './label/label-window.ts';
import { loadRules } from './relabel/load-rules.ts';
import { Relabeler } from './relabel/relabeler.ts';
import { limitsOf, viewOf } from './sample/features.ts';
import { openSampler } from './sample/native.ts';
import { startSampler } from './sample/start.ts';
import { stringReader } from './sample/window-strings.ts';
import { sampledWindows } from './sample/windows.ts';
import { encodeWindow } from './ship/encode-window.ts';
import { Pusher } from './ship/pusher.ts';
import { Spool } from './ship/spool.ts';
import { agentReport, reportStatus } from './ship/status-report.ts';
import { Accounting } from './status/accounting.ts';
import { serveStatus } from './status/server.ts';
import { WalksByProcess } from './status/walks.ts';

const log = (message: string) => console.log(`agent: ${message}`);
const complain = (message: string) => console.error(`agent: ${message}`);

/** The whole way of a sample through the agent: sampled, labelled, encoded, spooled, pushed. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const variables = config.environmentLabels.map(({ variable }) => variable);
  const rules = await loadRules(config.relabelFile, variables);
  const stop = stopSignal();

  const instance = randomUUID();
  const accounting = new Accounting();
  const spool = await Spool.open({
    directory: config.spoolDir,
    maxBytes: config.spoolMaxBytes,
    instance,
    onDropped: (samples) => {
      accounting.lost.spool_full += samples;
      complain(`the spool is full: gave up a window of ${samples} samples`);
    },
  });
  accounting.inheritedSamples = spool.samples;
  const pusher = new Pusher(spool, config.serverUrl, {
    shipped: ({ samples }) => {
      accounting.shippedSamples += samples;
      accounting.delayedBy = undefined;
    },
    rejected: ({ samples }, reason) => {
      accounting.lost.rejected += samples;
      complain(`the server refused a window of ${samples} samples: ${reason}`);
    },
    delayed: (_, reason, retryInMs) => {
      accounting.delayedBy = reason;
      complain(
        `cannot deliver (${reason}); windows wait in ${config.spoolDir}, next try in ${Math.round(retryInMs / 1000)} s`,
      );
    },
  });

  const sampler = openSampler({
    frequencyHz: config.frequencyHz,
    drainIntervalMs: DRAIN_INTERVAL_MS,
    includeIdle: config.includeIdle,
    excludeKernelThreads: config.excludeKernelThreads,
    ...(config.pids && { pidFilter: { mode: config.pids.mode, pids: config.pids.values } }),
    ...(config.cgroupIds && {
      cgroupFilter: { mode: config.cgroupIds.mode, cgroupIds: config.cgroupIds.values },
    }),
    ...(config.btfPath && { btfPath: config.btfPath }),
    without: config.without,
    commandLines: rules.length > 0,
    environmentVariables: variables,
  });
  const started = await startSampler(sampler);
  const { cpus } = started;
  const limits = limitsOf(started, await viewOf(sampler.counters()));
  log(`sampling ${cpus} CPUs at ${config.frequencyHz} Hz, shipping to ${config.serverUrl}`);
  for (const limit of limits) complain(limit);
  process.send?.({ type: 'sampling', cpus, frequencyHz: config.frequencyHz });

  const meter = new CostMeter(() => sampler.counters(), cpus);
  const governor = new Governor(config.budget, config.frequencyHz);
  const walks = new WalksByProcess();
  const pods =
    config.kubernetes &&
    new KubernetesPods(config.kubernetes, (reason) =>
      complain(`cannot ask Kubernetes, pods stay as they were known: ${reason}`),
    );
  if (config.metricsAddress) {
    const parts = { ...config, limits, sampler, spool, accounting, governor, walks, pods };
    serveStatus(parts, config.metricsAddress, (error) =>
      complain(`no metrics: ${error.message}; set BUNSEN_AGENT_METRICS to another address, or off`),
    );
  }

  void reportStatus(
    config.serverUrl,
    () =>
      agentReport({
        host: config.host,
        instance,
        cpus,
        frequencyHz: governor.frequencyHz,
        kernelCounters: () => sampler.counters(),
        accounting,
        spool,
      }),
    stop,
    (reason) => complain(`the server does not take reports of this agent's state: ${reason}`),
  );
  pusher.start();
  const labelOptions = {
    ...config,
    containers: new ContainerNames(),
    pods,
    relabeler: new Relabeler(rules),
  };
  for await (const window of sampledWindows(sampler, stop, config.frequencyHz, {
    pace: () => governor.judge(meter.measure()),
    paceChanged: (pace, fromMs) => {
      log(describePace(pace, governor, fromMs));
      governor.changed(pace);
    },
    trouble: (reason) => complain(`a drain failed, trying again: ${reason}`),
  })) {
    const string = stringReader(window.columns);
    const labelled = await labelWindow(window.columns, string, labelOptions);
    walks.add(window.columns, string, labelled.processLabels);
    accounting.drop(labelled.dropped);
    const encoded = await encodeWindow(window, string, labelled);
    if (!encoded) continue;
    try {
      await spool.add(encoded);
    } catch (error) {
      accounting.lost.spool_write_failed += encoded.samples;
      complain(
        `lost a window of ${encoded.samples} samples, which could not be written: ${String(error)}; make room in ${config.spoolDir}, or name another folder with BUNSEN_AGENT_DATA_DIR`,
      );
    }
    pusher.wake();
  }
  await pusher.stop();
  log(`accounting ${JSON.stringify(accounting.summary(sampler.counters(), spool))}`);
  sampler.close();
}

/** Aborts on a signal that ends it, and when the terminal or the script that started it is gone. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const event of ['SIGINT', 'SIGTERM', 'SIGHUP', 'disconnect']) {
    process.on(event, () => stop.abort());
  }
  return stop.signal;
}

try {
  await main();
  process.exit(0);
} catch (error) {
  if (error instanceof AgentError) {
    complain(error.message);
    process.exit(2);
  }
  complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exit(1);
}
