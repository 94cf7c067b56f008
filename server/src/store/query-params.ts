import { BunsenError } from '../errors.ts';

/** Values for `{name:Type}` in the SQL. */
export type QueryParams = Record<string, unknown>;

/** They travel in the query's address, which may have 1 MiB (`http_max_uri_size`), settings and all. */
const PARAM_BYTES = 1_000_000;

/** @throws BunsenError `PARAMETER_INVALID` if they are more than a query can bring */
export function checkParams(params: QueryParams): QueryParams {
  const bytes = Object.values(params)
    .flat()
    .reduce<number>((sum, value) => sum + encodeURIComponent(String(value)).length, 0);
  if (bytes <= PARAM_BYTES) return params;
  throw new BunsenError(
    'PARAMETER_INVALID',
    `names and values that are looked for have ${bytes} bytes as a query to the store has them; at most ${PARAM_BYTES} are allowed: send shorter selectors`,
  );
}
