/**
 * What a statement may do in the embedded store, as the engine itself enforces it. The engine has
 * one user, whose rights are those of the role that a session takes on.
 */
export type Role = 'owner' | 'reader' | 'writer';

/** No grant that opens a file or a host (READ ON FILE, URL and so on) is in either of these. */
const READ = 'SELECT, SHOW, dictGet, CREATE TEMPORARY TABLE';
const WRITE =
  'INSERT, ALTER, CREATE DATABASE, CREATE TABLE, CREATE VIEW, DROP, TRUNCATE, OPTIMIZE, UNDROP TABLE';

/** All that keep their rows in the data directory, or nowhere. Any other engine is refused. */
export const TABLE_ENGINES = [
  'MergeTree',
  'ReplacingMergeTree',
  'SummingMergeTree',
  'AggregatingMergeTree',
  'CollapsingMergeTree',
  'VersionedCollapsingMergeTree',
  'CoalescingMergeTree',
  'Log',
  'StripeLog',
  'TinyLog',
  'Memory',
  'Null',
  'Merge',
  'Buffer',
  'Set',
  'Join',
  'View',
  'MaterializedView',
  'GenerateRandom',
] as const;

export const DATABASE_ENGINES = ['Atomic', 'Memory'] as const;

/**
 * Settings that name a file, a disk or a host, or another language to parse statements by: nobody
 * changes these, and the server itself does not use them.
 */
export const FIXED_SETTINGS = [
  'dialect',
  'format_avro_schema_registry_url',
  'format_schema',
  'format_template_resultset',
  'format_template_row',
  'input_format_record_errors_file_path',
  'output_format_schema',
  'merge_tree_disk',
  'merge_tree_storage_policy',
] as const;

/**
 * The engine's configuration of users. `maxRows` is a bound of `max_rows_to_read`: a statement may
 * set less, and not 0, which would be none. One that does not have the setting has no limit.
 */
export function accessConfig(maxRows: number): string {
  const fixed = FIXED_SETTINGS.map((name) => `<${name}><const/></${name}>`).join('');
  const rows = `<max_rows_to_read><min>1</min><max>${maxRows}</max></max_rows_to_read>`;
  const engines = [...new Set([...TABLE_ENGINES, ...DATABASE_ENGINES])]
    .map((name) => grant(`TABLE ENGINE ON ${name}`))
    .join('');
  const roles: Record<Role, string> = {
    owner: grant('ALL ON *.*'),
    reader: grant(`${READ} ON *.*`),
    writer: grant(`${READ}, ${WRITE} ON *.*`) + engines,
  };
  const roleTags = Object.entries(roles).map(
    ([name, grants]) => `<${name}><grants>${grants}</grants></${name}>`,
  );
  return `<clickhouse>
<profiles><default><constraints>${rows}${fixed}</constraints></default></profiles>
<quotas><default/></quotas>
<roles>${roleTags.join('')}</roles>
<users><default><password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
<grants>${grant(Object.keys(roles).join(', '))}</grants></default></users>
</clickhouse>
`;
}

function grant(what: string): string {
  return `<query>GRANT ${what}</query>`;
}
