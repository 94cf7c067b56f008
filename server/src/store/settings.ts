import { BunsenError } from '../errors.ts';
import { DEFAULT_TENANT } from './profile-batch.ts';
import type { Store } from './store.ts';
import { dateTimeText } from './time-sql.ts';

export interface Setting {
  name: string;
  value: string;
  /** Milliseconds since 1970. */
  modifiedMs: number;
}

const NAME = /^[A-Za-z0-9_.-]{1,255}$/;
const VALUE_BYTES = 65_536;
const SETTINGS = 1000;
/** How far a client's clock may be ahead: until then nobody else could change its setting. */
const AHEAD_MS = 600_000;

/** All settings, by name. */
export async function readSettings(store: Store): Promise<Setting[]> {
  const rows = await store.rows<{ name: string; value: string; ms: string }>(
    `SELECT name, value, toUnixTimestamp64Milli(modified) AS ms FROM settings FINAL
     WHERE tenant = {tenant:String} ORDER BY name`,
    { params: { tenant: DEFAULT_TENANT } },
  );
  return rows.map(({ name, value, ms }) => ({ name, value, modifiedMs: Number(ms) }));
}

/**
 * Writes a setting unless there is a newer value of it. Resolves when it is durable.
 * @throws BunsenError `PARAMETER_INVALID`, naming what is wrong
 */
export async function writeSetting(store: Store, setting: Setting): Promise<void> {
  const { name, value, modifiedMs } = setting;
  const fail = (what: string): never => {
    throw new BunsenError('PARAMETER_INVALID', `setting.${what}`);
  };
  if (!NAME.test(name)) {
    fail(`name ${JSON.stringify(name.slice(0, 80))} is not of 1 to 255 of [A-Za-z0-9_.-]`);
  }
  const bytes = Buffer.byteLength(value);
  if (bytes > VALUE_BYTES) fail(`value has ${bytes} bytes; at most ${VALUE_BYTES} are allowed`);
  if (modifiedMs > Date.now() + AHEAD_MS) {
    fail(`modifiedAt=${modifiedMs} is more than ${AHEAD_MS / 1000} s ahead: check the clocks`);
  }
  const known = await readSettings(store);
  const before = known.find((other) => other.name === name);
  if (!before && known.length >= SETTINGS) fail(`name is new, and there are ${SETTINGS} already`);
  if (before && before.modifiedMs > modifiedMs) {
    fail(
      `modifiedAt=${modifiedMs} is older than what is there (${before.modifiedMs}): read it again`,
    );
  }
  await store.insertJson('settings', [
    { tenant: DEFAULT_TENANT, name, value, modified: dateTimeText(modifiedMs) },
  ]);
}
