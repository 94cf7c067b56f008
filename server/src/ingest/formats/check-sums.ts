import { BunsenError, type ErrorCode } from '../../errors.ts';

/**
 * The store counts in 64 bits, and beyond them from the other end, without a word.
 * @param values rows of `types` values
 * @param scale what each value is still multiplied by
 * @throws BunsenError `code`
 */
export function checkSums(
  values: BigInt64Array,
  types: number,
  scale: number,
  code: ErrorCode,
): void {
  for (let type = 0; type < types; type++) {
    let sum = 0;
    for (let i = type; i < values.length; i += types) sum += Math.abs(Number(values[i]));
    if (sum * scale < 2 ** 63) continue;
    throw new BunsenError(
      code,
      `the values of sample type ${type} together are ${sum * scale}; at most 2^63 - 1 are allowed: check what the producer counts`,
    );
  }
}
