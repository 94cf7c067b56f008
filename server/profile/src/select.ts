/**
 * The n-th largest value, as `values.slice().sort().at(-n)` is, in linear time, however many are equal.
 * @param n 1 to the number of values
 */
export function nthLargest(values: Float64Array, n: number): number {
  const rest = values.slice();
  const wanted = rest.length - n;
  let low = 0;
  let high = rest.length - 1;
  while (low < high) {
    const pivot = medianOf(rest[low], rest[(low + high) >> 1], rest[high]);
    // Both sides stop at what equals the pivot, and swap it: so equal values part in the middle.
    let left = low;
    let right = high;
    while (left <= right) {
      while ((rest[left] as number) < pivot) left++;
      while ((rest[right] as number) > pivot) right--;
      if (left > right) break;
      const swapped = rest[left] as number;
      rest[left++] = rest[right] as number;
      rest[right--] = swapped;
    }
    if (wanted <= right) high = right;
    else if (wanted >= left) low = left;
    else break;
  }
  return rest[wanted] as number;
}

function medianOf(a = 0, b = 0, c = 0): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

/**
 * Items in the order of their keys; those of equal keys stay in the order in which they are given.
 * @param keyOf of an item, 0 to `keyCount` - 1
 */
export function countingSort(
  items: Uint32Array,
  keyCount: number,
  keyOf: (item: number) => number,
): Uint32Array {
  const starts = new Uint32Array(keyCount + 1);
  for (const item of items) {
    const next = keyOf(item) + 1;
    starts[next] = (starts[next] as number) + 1;
  }
  for (let key = 0; key < keyCount; key++) {
    starts[key + 1] = (starts[key + 1] as number) + (starts[key] as number);
  }
  const sorted = new Uint32Array(items.length);
  for (const item of items) {
    const key = keyOf(item);
    const at = starts[key] as number;
    sorted[at] = item;
    starts[key] = at + 1;
  }
  return sorted;
}
