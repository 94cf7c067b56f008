import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PodLabel, type PodPlace, readPodList } from './pod-list.ts';

export interface KubernetesOptions {
  /** Where a PodList is: the kubelet's /pods, or the API's with a selector of this node. */
  podsUrl: string;
  /** Read for each request, since Kubernetes exchanges tokens under way. Only sent over https. */
  tokenFile: string | undefined;
  /** Whose certificates are trusted; undefined: those that Node.js trusts. Read for each request. */
  caFile: string | undefined;
  /** Trust any certificate. */
  insecureTls: boolean;
  podLabels: readonly PodLabel[];
}

const REQUEST_TIMEOUT_MS = 10_000;
const LARGEST_ANSWER_BYTES = 64 * 2 ** 20;
/** Labels of pods may change; containers that are met and not known are asked for sooner. */
const REFRESH_MS = 60_000;
/** A pod that is gone may still have samples in a window. */
const KEPT_MS = 10 * 60_000;

/**
 * The containers of this node with their pods. What was known stays when Kubernetes cannot be asked.
 */
export class KubernetesPods {
  readonly #options: KubernetesOptions;
  readonly #onFailure: (reason: string) => void;
  readonly #places = new Map<string, { place: PodPlace; seenMs: number }>();
  /** Containers that a good answer did not hold: other than Kubernetes' own, or not yet listed. */
  readonly #unknown = new Set<string>();
  #request: Promise<void> | undefined;
  #answeredMs = Number.NEGATIVE_INFINITY;
  readonly requests = { answered: 0, failed: 0 };
  /** Why the last request failed; undefined if it did not. */
  failure: string | undefined;

  /** @param onFailure told why asking fails, once as long as the reason is the same */
  constructor(options: KubernetesOptions, onFailure: (reason: string) => void) {
    this.#options = options;
    this.#onFailure = onFailure;
  }

  get containers(): number {
    return this.#places.size;
  }

  find(containerId: string): PodPlace | undefined {
    return this.#places.get(containerId)?.place;
  }

  /**
   * Asks Kubernetes if one of these containers is new, or the last answer is a minute old. Waits for
   * the answer for `patienceMs` at most; one that comes later serves the next call.
   */
  async prepare(containerIds: Iterable<string>, patienceMs: number): Promise<void> {
    const isDue = performance.now() - this.#answeredMs >= REFRESH_MS;
    if (isDue) this.#unknown.clear();
    const missing = [...containerIds].filter((id) => !this.#places.has(id));
    if (!isDue && missing.every((id) => this.#unknown.has(id))) return;
    this.#request ??= this.#refresh(missing).finally(() => {
      this.#request = undefined;
    });
    const patience = new AbortController();
    const late = sleep(patienceMs, undefined, { signal: patience.signal, ref: false });
    await Promise.race([this.#request, late.catch(() => undefined)]);
    patience.abort();
  }

  async #refresh(missing: string[]): Promise<void> {
    try {
      const answer = readPodList(await this.#get(), this.#options.podLabels);
      const nowMs = performance.now();
      for (const [id, place] of answer) this.#places.set(id, { place, seenMs: nowMs });
      for (const [id, { seenMs }] of this.#places) {
        if (nowMs - seenMs > KEPT_MS) this.#places.delete(id);
      }
      for (const id of missing) if (!answer.has(id)) this.#unknown.add(id);
      this.#answeredMs = nowMs;
      this.requests.answered++;
      this.failure = undefined;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.requests.failed++;
      if (reason !== this.failure) this.#onFailure(reason);
      this.failure = reason;
    }
  }

  async #get(): Promise<string> {
    const { podsUrl, tokenFile, caFile, insecureTls } = this.#options;
    const isHttps = podsUrl.startsWith('https:');
    const token = isHttps && tokenFile ? (await readFile(tokenFile, 'utf8')).trim() : undefined;
    const ca = isHttps && caFile && !insecureTls ? await readFile(caFile) : undefined;
    return new Promise((resolve, reject) => {
      const fail = (what: string) => reject(new Error(`${podsUrl}: ${what}`));
      const request = (isHttps ? https : http).get(
        podsUrl,
        {
          agent: false,
          headers: {
            accept: 'application/json',
            ...(token && { authorization: `Bearer ${token}` }),
          },
          ...(isHttps && { rejectUnauthorized: !insecureTls }),
          ...(ca && { ca }),
          signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
        },
        (response) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > LARGEST_ANSWER_BYTES) {
              request.destroy(new Error(`the answer has more than ${LARGEST_ANSWER_BYTES} bytes`));
            }
            chunks.push(chunk);
          });
          response.on('error', (error) => fail(error.message));
          response.on('end', () => {
            const body = Buffer.concat(chunks).toString('utf8');
            if (response.statusCode === 200) resolve(body);
            else fail(`${response.statusCode} ${body.slice(0, 200)}`);
          });
        },
      );
      request.on('error', (error) => fail(error.message));
    });
  }
}
