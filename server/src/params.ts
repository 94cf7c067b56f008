import { BunsenError, type ErrorCode } from './errors.ts';

interface AnyParam {
  /** One or two sentences for who calls the route. */
  help: string;
  /** Missing or empty, the request is refused. */
  required?: true;
  /** Of the refusal of its value; `PARAMETER_INVALID` if left out. */
  code?: ErrorCode;
}

export interface TextParam extends AnyParam {
  example?: string;
  default?: string;
  /** All that it may be. */
  choices?: readonly string[];
}

/** Whole numbers, both limits included. */
export interface IntegerParam extends AnyParam {
  min: number;
  max: number;
  default?: number;
}

/** May be given any number of times. */
export interface ListParam extends AnyParam {
  many: true;
  example?: string;
}

/** What a route takes, declared once: requests are read by it, and the API's reference is made of it. */
export type Param = TextParam | IntegerParam | ListParam;
export type Params = Readonly<Record<string, Param>>;

type Read<P> = P extends { many: true }
  ? string[]
  : P extends { min: number }
    ? number
    : P extends { choices: readonly (infer Choice)[] }
      ? Choice
      : string;
type Missing<P> = P extends { many: true } | { required: true } | { default: unknown }
  ? never
  : undefined;
/** The parameters of a request. What is not given is undefined, unless it has a default. */
export type Values<P extends Params> = { [Name in keyof P]: Read<P[Name]> | Missing<P[Name]> };

/**
 * The parameters of a request, as they are declared.
 * @throws BunsenError `PARAMETER_UNKNOWN` for one that the route does not have, with those it has;
 *   `PARAMETER_INVALID`, or the code that is declared, for a value that it cannot have, one that is
 *   given twice or is missing
 */
export function readParams<const P extends Params>(query: unknown, declared: P): Values<P> {
  const given = query as Record<string, string | string[]>;
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue;
    const known = Object.keys(declared).join(', ') || 'none';
    throw new BunsenError(
      'PARAMETER_UNKNOWN',
      `unknown parameter ${JSON.stringify(name)}; this route has ${known}`,
    );
  }
  const values = Object.entries(declared).map(([name, param]) => [
    name,
    readParam(name, param, Object.hasOwn(given, name) ? given[name] : undefined),
  ]);
  return Object.fromEntries(values) as Values<P>;
}

function readParam(name: string, param: Param, given: string | string[] | undefined): unknown {
  const code = param.code ?? 'PARAMETER_INVALID';
  if (param.required && (given === undefined || given.length === 0)) {
    const example = 'example' in param ? `: ${name}=${param.example}` : '';
    throw new BunsenError(code, `the parameter ${name} is missing${example}`);
  }
  if ('many' in param) return [given ?? []].flat();
  // What is one of several, or a number, cannot be empty: forms and clients send it so for not given.
  if (given === undefined || (given === '' && ('min' in param || param.choices))) {
    return param.default;
  }
  if (typeof given !== 'string') {
    throw new BunsenError('PARAMETER_INVALID', `the parameter ${name} is given more than once`);
  }
  if ('min' in param) return readInteger(name, given, param.min, param.max);
  if (param.choices && !param.choices.includes(given)) {
    throw new BunsenError(code, `${name}=${given} is not one of ${param.choices.join(', ')}`);
  }
  return given;
}

function readInteger(name: string, text: string, min: number, max: number): number {
  return checkInteger(name, /^-?\d+$/.test(text) ? Number(text) : text, min, max);
}

/** @throws BunsenError `PARAMETER_INVALID` if it is not a whole number from `min` to `max` */
export function checkInteger(
  name: string,
  value: number | string,
  min: number,
  max: number,
): number {
  if (typeof value === 'number' && value >= min && value <= max) return value;
  throw new BunsenError(
    'PARAMETER_INVALID',
    `${name}=${value} is not a whole number from ${min} to ${max}`,
  );
}
