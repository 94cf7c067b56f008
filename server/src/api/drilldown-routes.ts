import {
  AdHocProfileService,
  AdHocProfilesDiffResponseSchema,
  AdHocProfilesGetResponseSchema,
} from '@bunsen/proto/adhocprofiles/v1/adhocprofiles';
import { RecordingRulesService } from '@bunsen/proto/settings/v1/recording_rules';
import { SettingsService } from '@bunsen/proto/settings/v1/setting';
import { VCSService } from '@bunsen/proto/vcs/v1/vcs';
import type { ServiceImpl } from '@connectrpc/connect';
import { compressionGzip } from '@connectrpc/connect-node';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AdHocProfiles } from '../adhoc/adhoc-profiles.ts';
import { BunsenError } from '../errors.ts';
import { takeRawBodies } from '../request-body.ts';
import { answerEncoding, encodedAnswer, rpc } from '../rpc.ts';
import { readSettings, writeSetting } from '../store/settings.ts';
import type { Store } from '../store/store.ts';
import { maxNodesOf, warn } from './querier-request.ts';

export interface DrilldownSources {
  store: Store;
  adhoc: AdHocProfiles;
  /** Uploads are bodies as large as pushes, and share the memory of those. */
  readBody: (request: FastifyRequest, reply: FastifyReply) => Promise<Uint8Array>;
  bodyBytes: number;
  /** Throws while the store cannot be used; the error goes out as the call's protocol has it. */
  checkReady: () => void;
}

/**
 * What Grafana's Profiles Drilldown asks for besides profiles, over Connect, gRPC and gRPC-web:
 * settings and single files are kept, and what is not there says so without an error on the page.
 */
export function drilldownRoutes(
  app: FastifyInstance,
  { store, adhoc, readBody, bodyBytes, checkReady }: DrilldownSources,
): void {
  takeRawBodies(app);
  rpc(app, {
    connect: true,
    ignoreUnknownFields: true,
    routes: (router) =>
      router
        .service(SettingsService, settings(store))
        .service(RecordingRulesService, RECORDING_RULES)
        .service(AdHocProfileService, adhocProfiles(adhoc))
        .service(VCSService, VCS),
    async readBody(request, reply) {
      checkReady();
      return readBody(request, reply);
    },
    messageBytes: bodyBytes,
    compression: compressionGzip,
  });
}

function settings(store: Store): ServiceImpl<typeof SettingsService> {
  return {
    async get() {
      const settings = await readSettings(store);
      return {
        settings: settings.map(({ name, value, modifiedMs }) => ({
          name,
          value,
          modifiedAt: BigInt(modifiedMs),
        })),
      };
    },
    async set({ setting }) {
      if (!setting) throw new BunsenError('PARAMETER_INVALID', 'setting is missing');
      const { name, value } = setting;
      const modifiedAt = setting.modifiedAt > 0n ? setting.modifiedAt : BigInt(Date.now());
      await writeSetting(store, { name, value, modifiedMs: Number(modifiedAt) });
      return { setting: { name, value, modifiedAt } };
    },
  };
}

function adhocProfiles(adhoc: AdHocProfiles): ServiceImpl<typeof AdHocProfileService> {
  return {
    async upload({ name, profile, maxNodes }, context) {
      const encoding = answerEncoding(context);
      const view = { profileType: '', maxNodes: maxNodesOf(maxNodes), encoding };
      const bytes = await adhoc.upload(name, profile, view);
      return encodedAnswer(AdHocProfilesGetResponseSchema, bytes, context);
    },
    async get({ id, profileType, maxNodes }, context) {
      const encoding = answerEncoding(context);
      const view = { profileType: profileType ?? '', maxNodes: maxNodesOf(maxNodes), encoding };
      const bytes = await adhoc.get(id, view);
      return encodedAnswer(AdHocProfilesGetResponseSchema, bytes, context);
    },
    async diff({ leftId, rightId, profileType, maxNodes }, context) {
      const encoding = answerEncoding(context);
      const view = { profileType: profileType ?? '', maxNodes: maxNodesOf(maxNodes), encoding };
      const bytes = await adhoc.diff(leftId, rightId, view);
      return encodedAnswer(AdHocProfilesDiffResponseSchema, bytes, context);
    },
    async list(_request, context) {
      const { entries, more } = await adhoc.list();
      if (more) warn(context, [`only the ${entries.length} newest profiles are listed`]);
      return {
        profiles: entries.map(({ id, name, uploadedMs }) => ({
          id,
          name,
          uploadedAt: BigInt(uploadedMs),
        })),
      };
    },
  };
}

function noRules(): never {
  throw new BunsenError(
    'NOT_IMPLEMENTED',
    'there are no recording rules: /prometheus/api/v1/query evaluates the same at any time (server/PROMQL.md)',
  );
}

const RECORDING_RULES: ServiceImpl<typeof RecordingRulesService> = {
  listRecordingRules: () => ({}),
  getRecordingRule: noRules,
  upsertRecordingRule: noRules,
  deleteRecordingRule: noRules,
};

function noGithub(): never {
  throw new BunsenError(
    'NOT_IMPLEMENTED',
    'the integration of GitHub is not configured, and cannot be: this server does not fetch source code',
  );
}

const VCS: ServiceImpl<typeof VCSService> = {
  githubApp: noGithub,
  githubLogin: noGithub,
  githubRefresh: noGithub,
  getFile: noGithub,
  getCommit: noGithub,
  getCommits: noGithub,
};
