import { type AgentReport, type AgentsResponse, API } from '@bunsen/profile';
import type { FastifyInstance } from 'fastify';
import { RANGE } from '../api/query-operations.ts';
import { rangeOf, whileConnected } from '../api/query-routes.ts';
import { BunsenError } from '../errors.ts';
import { operation, route } from '../operation.ts';
import {
  INTEGER,
  type JsonSchema,
  list,
  NUMBER,
  object,
  TEXT,
  TIME_MS,
} from '../reference/json-schema.ts';
import { collectBody, takeRawBodies } from '../request-body.ts';
import { type AgentReports, MAX_AGENTS } from './agent-reports.ts';
import { REPORT_BYTES, readReport } from './read-report.ts';

const FIGURES: JsonSchema = { type: 'object', additionalProperties: NUMBER };

const REPORT = operation({
  group: 'Agents',
  summary: 'An agent says how it is',
  help: `It does so once a minute. Fields are those of an agent in the list but for \`lastSeenMs\`, \`recent\` and \`recentMs\`, and all of them are needed. At most ${REPORT_BYTES} bytes.`,
  params: {},
  body: { 'application/json': 'A report: one JSON object.' },
  answers: { 204: { help: 'It is stored.' } },
});

const AGENTS = operation({
  group: 'Agents',
  summary: 'Agents that were heard of',
  help: `Those of a host that was started anew are several. At most ${MAX_AGENTS}, those that were heard of last.`,
  params: RANGE,
  answers: {
    200: {
      help: 'What was asked for.',
      content: {
        'application/json': object<AgentsResponse>({
          fromMs: TIME_MS,
          untilMs: TIME_MS,
          nowMs: { ...TIME_MS, description: "The server's clock, by which `lastSeenMs` is." },
          agents: list(
            object<AgentsResponse['agents'][number]>({
              host: TEXT,
              instance: { ...TEXT, description: 'Of this run of the agent: a UUID.' },
              version: TEXT,
              kernel: TEXT,
              uptimeMs: INTEGER,
              cpus: INTEGER,
              frequencyHz: INTEGER,
              counters: { ...FIGURES, description: 'Since it started.' },
              gauges: { ...FIGURES, description: 'At that moment.' },
              lastSeenMs: TIME_MS,
              recentMs: { ...INTEGER, description: 'How long `recent` is about.' },
              recent: {
                ...FIGURES,
                description: 'What its counters grew by in the range, as far as it was heard of.',
              },
            }),
            'By host; of those of one host the latest first.',
          ),
        }),
      },
    },
  },
});

/** What agents say of themselves: `POST` by them, `GET` by who wants to know. */
export function agentRoutes(app: FastifyInstance, reports: AgentReports): void {
  takeRawBodies(app);
  route(app, 'POST', API.agents, REPORT, async (_params, request, reply) => {
    const body = await collectBody(request.raw, {
      bytes: REPORT_BYTES,
      tooLarge: (sent) =>
        new BunsenError(
          'BODY_TOO_LARGE',
          `the report has ${sent ?? `more than ${REPORT_BYTES}`} bytes; at most ${REPORT_BYTES} are allowed`,
        ),
    });
    const report: AgentReport = readReport(body);
    await reports.add(report);
    return reply.code(204).send();
  });

  route(app, 'GET', API.agents, AGENTS, (params, _request, reply) =>
    reports.list(rangeOf(params), { signal: whileConnected(reply) }),
  );
}
