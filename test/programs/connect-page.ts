// Runs in a browser: a page that pushes and asks over Connect and gRPC-web, as its clients are published.
import { PusherService } from '@bunsen/proto/push/v1/push';
import { QuerierService } from '@bunsen/proto/querier/v1/querier';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';

/** What the page tells of one way to call the server. */
export interface Told {
  services: string[];
  names: string[];
  total: string;
  merged: string;
  series: number;
  /** Of a label that no series has. */
  warning: string | null;
  refusal: { code: string; bunsenCode: string | null; message: string };
}

const TRANSPORTS: Record<string, (baseUrl: string) => Transport> = {
  'Connect, JSON': (baseUrl) => createConnectTransport({ baseUrl }),
  'Connect, protobuf': (baseUrl) => createConnectTransport({ baseUrl, useBinaryFormat: true }),
  'gRPC-web': (baseUrl) => createGrpcWebTransport({ baseUrl }),
};

const TYPE = 'process_cpu:cpu:nanoseconds:cpu:nanoseconds';

/** @param pprof gzipped, of no series yet */
export async function callAll(
  name: string,
  { url, service, pprof }: { url: string; service: string; pprof: number[] },
): Promise<Told> {
  const transport = TRANSPORTS[name]!(url);
  const labels = [{ name: 'service_name', value: service }];
  await createClient(PusherService, transport).push({
    series: [{ labels, samples: [{ rawProfile: Uint8Array.from(pprof) }] }],
  });
  const querier = createClient(QuerierService, transport);
  const range = { start: BigInt(Date.now() - 600_000), end: BigInt(Date.now() + 60_000) };
  const request = {
    profileTypeID: TYPE,
    labelSelector: `{service_name="${service}"}`,
    ...range,
  };
  const { names: services } = await querier.labelValues({ name: 'service_name', ...range });
  const { flamegraph } = await querier.selectMergeStacktraces(request);
  const merged = await querier.selectMergeProfile(request);
  const { series } = await querier.selectSeries({ ...request, step: 15 });
  let warning: string | null = null;
  await querier.selectMergeStacktraces(
    { ...request, labelSelector: `{service_name="${service}", nobody="x"}` },
    {
      onHeader: (headers) => {
        warning = headers.get('bunsen-warning');
      },
    },
  );
  const error = await querier
    .selectMergeStacktraces({ ...request, labelSelector: '{' })
    .then(() => new ConnectError('it was answered'), ConnectError.from);
  return {
    services,
    names: flamegraph?.names ?? [],
    total: String(flamegraph?.total),
    merged: String(merged.sample.reduce((sum, { value }) => sum + (value[0] ?? 0n), 0n)),
    series: series.length,
    warning,
    refusal: {
      code: Code[error.code],
      bunsenCode: error.metadata.get('bunsen-code'),
      message: error.rawMessage,
    },
  };
}

Object.assign(globalThis, { callAll }); // for the test, which calls it from outside
