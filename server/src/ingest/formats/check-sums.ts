import { BunsenError, type ErrorCode } from '../../errors.ts';

const MOST = 2n ** 63n - 1n;

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
    let about = 0;
    for (let i = type; i < values.length; i += types) about += Math.abs(Number(values[i]));
    if (about * scale < 2 ** 62) continue;
    const sum = exactSum(values, type, types) * BigInt(Math.ceil(scale));
    if (sum <= MOST) continue;
    throw new BunsenError(
      code,
      `the values of sample type ${type} together are ${sum}; at most 2^63 - 1 are allowed: check what the producer counts`,
    );
  }
}

/** Of what the values are without their signs. Near the limit only: it takes a hundred times as long. */
function exactSum(values: BigInt64Array, type: number, types: number): bigint {
  let sum = 0n;
  for (let i = type; i < values.length; i += types) {
    const value = values[i] as bigint;
    sum += value < 0n ? -value : value;
  }
  return sum;
}
