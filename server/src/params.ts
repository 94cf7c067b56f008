import { BunsenError } from './errors.ts';

/**
 * The parameters of a request, each once.
 * @throws BunsenError `PARAMETER_UNKNOWN` for one that the route does not have, with those it has;
 *   `PARAMETER_INVALID` for one that is given twice
 */
export function readParams<Name extends string>(
  query: unknown,
  known: readonly Name[],
): Partial<Record<Name, string>> {
  const params: Partial<Record<Name, string>> = {};
  for (const [name, value] of Object.entries(query as Record<string, string | string[]>)) {
    if (!known.includes(name as Name)) {
      throw new BunsenError(
        'PARAMETER_UNKNOWN',
        `unknown parameter ${JSON.stringify(name)}; this route has ${known.length === 0 ? 'none' : known.join(', ')}`,
      );
    }
    if (typeof value !== 'string') {
      throw new BunsenError('PARAMETER_INVALID', `the parameter ${name} is given more than once`);
    }
    params[name as Name] = value;
  }
  return params;
}

/** @throws BunsenError `PARAMETER_INVALID` if it is not a whole number from `min` to `max` */
export function readInteger(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^-?\d+$/.test(text) || value < min || value > max) {
    throw new BunsenError(
      'PARAMETER_INVALID',
      `${name}=${text} is not a whole number from ${min} to ${max}`,
    );
  }
  return value;
}
