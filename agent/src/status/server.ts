import http from 'node:http';
import type { AgentParts } from './agent-parts.ts';
import { agentMetrics } from './metrics.ts';
import { statusPage } from './page.ts';

/** Its own style is all that the page may use, whatever is in the names that it shows. */
const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
};

/**
 * Serves the status page at `/`, `/metrics` and `/healthz`; never fails the agent: a taken port is
 * reported to `onError`.
 */
export function serveStatus(
  agent: AgentParts,
  address: { host: string; port: number },
  onError: (error: Error) => void,
): http.Server {
  const metrics = agentMetrics(agent);
  const server = http.createServer(async (request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/') {
      response.writeHead(200, PAGE_HEADERS).end(statusPage(agent));
    } else if (path === '/metrics') {
      response.setHeader('content-type', metrics.contentType);
      response.end(await metrics.metrics());
    } else if (path === '/healthz') {
      response.end('ok\n');
    } else {
      response.statusCode = 404;
      response.end('There are /, /metrics and /healthz here.\n');
    }
  });
  server.on('error', onError);
  server.listen(address.port, address.host);
  server.unref();
  return server;
}
