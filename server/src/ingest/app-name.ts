import type { Labels } from '@bunsen/profile';
import { BunsenError } from '../errors.ts';

const APP = /^[A-Za-z0-9_./-]+$/;
/** What Pyroscope's clients put in for their own use. */
const INTERNAL_LABELS = new Set(['__session_id__']);

/**
 * Parses `app.cpu{env=prod,region=eu}`, the `name` of Pyroscope's /ingest: values are not quoted. Keys are as
 * they were sent.
 * @throws BunsenError `APP_NAME_MALFORMED` that shows the part
 */
export function parseAppName(text: string): { app: string; labels: Labels } {
  const fail = (what: string): never => {
    throw new BunsenError(
      'APP_NAME_MALFORMED',
      `name ${JSON.stringify(text.slice(0, 200))}: ${what}; it must look like app{key=value,key=value}`,
    );
  };
  const brace = text.indexOf('{');
  const app = (brace < 0 ? text : text.slice(0, brace)).trim();
  if (!APP.test(app)) fail(`the application ${JSON.stringify(app)} is not of [A-Za-z0-9_./-]`);
  const labels: Labels = {};
  if (brace < 0) return { app, labels };
  if (!text.trimEnd().endsWith('}')) fail('there is no } at its end');
  const inner = text.slice(brace + 1, text.lastIndexOf('}'));
  for (const pair of inner.split(',')) {
    if (pair.trim() === '') continue;
    const equals = pair.indexOf('=');
    const key = pair.slice(0, Math.max(0, equals)).trim();
    if (INTERNAL_LABELS.has(key)) continue;
    if (key === '') fail(`${JSON.stringify(pair)} is not of the form key=value`);
    if (key.startsWith('__')) fail(`labels that begin with __ are reserved: ${key}`);
    labels[key] = pair.slice(equals + 1).trim();
  }
  return { app, labels };
}
