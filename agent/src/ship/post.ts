import http from 'node:http';
import https from 'node:https';
import { text } from 'node:stream/consumers';

export interface Answer {
  /** Whether the status is 2xx. */
  ok: boolean;
  status: number;
  headers: http.IncomingHttpHeaders;
  text: string;
}

const MOST_REDIRECTS = 5;

/**
 * Posts a body; follows redirects that keep the method (307, 308). By node:http, since the code behind
 * `fetch` takes 30 MB as soon as it is used, a third of what an agent has.
 * @throws Error if there is no answer
 */
export async function post(
  url: string,
  headers: http.OutgoingHttpHeaders,
  body: Uint8Array | string,
  signal: AbortSignal,
): Promise<Answer> {
  let to = url;
  for (let redirects = 0; ; redirects++) {
    const answer = await send(to, headers, body, signal);
    const { location } = answer.headers;
    if (![307, 308].includes(answer.status) || !location || redirects === MOST_REDIRECTS) {
      return answer;
    }
    to = new URL(location, to).href;
  }
}

function send(
  url: string,
  headers: http.OutgoingHttpHeaders,
  body: Uint8Array | string,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      signal,
    };
    const { request } = url.startsWith('https:') ? https : http;
    const sent = request(url, options, (response) => {
      const { statusCode: status = 0, headers } = response;
      text(response).then(
        (text) => resolve({ ok: status >= 200 && status < 300, status, headers, text }),
        reject,
      );
    });
    // A host of several addresses has an error for each, and says nothing of its own.
    sent.on('error', (error) => reject(error instanceof AggregateError ? error.errors[0] : error));
    sent.end(body);
  });
}
