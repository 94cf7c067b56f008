/**
 * The n-th largest of values that occur several times each, in linear time, however many are equal.
 * @param counts how often each value occurs, at least once
 * @param n 1 to the sum of the counts
 */
export function nthLargest(values: Float64Array, counts: Uint32Array, n: number): number {
  const rest = values.slice();
  const times = counts.slice();
  let low = 0;
  let high = rest.length - 1;
  let wanted = n; // among those from low to high
  while (low < high) {
    const pivot = medianOf(rest[low], rest[(low + high) >> 1], rest[high]);
    // Both sides stop at what equals the pivot, and swap it: so equal values part in the middle.
    let left = low;
    let right = high;
    while (left <= right) {
      while ((rest[left] as number) < pivot) left++;
      while ((rest[right] as number) > pivot) right--;
      if (left > right) break;
      const value = rest[left] as number;
      rest[left] = rest[right] as number;
      rest[right] = value;
      const count = times[left] as number;
      times[left++] = times[right] as number;
      times[right--] = count;
    }
    const larger = sum(times, left, high);
    const equal = sum(times, right + 1, left - 1);
    if (wanted <= larger) low = left;
    else if (wanted <= larger + equal) return pivot;
    else {
      wanted -= larger + equal;
      high = right;
    }
  }
  return rest[low] as number;
}

/** @param last the last one that counts */
function sum(counts: Uint32Array, first: number, last: number): number {
  let sum = 0;
  for (let i = first; i <= last; i++) sum += counts[i] as number;
  return sum;
}

function medianOf(a = 0, b = 0, c = 0): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}

/**
 * Items in the order of their keys; those of equal keys stay in the order in which they are given.
 * @param keys per item, 0 to `keyCount` - 1
 */
export function countingSort(items: Uint32Array, keyCount: number, keys: Uint32Array): Uint32Array {
  const starts = new Uint32Array(keyCount + 1);
  for (let i = 0; i < items.length; i++) {
    const next = (keys[items[i] as number] as number) + 1;
    starts[next] = (starts[next] as number) + 1;
  }
  for (let key = 0; key < keyCount; key++) {
    starts[key + 1] = (starts[key + 1] as number) + (starts[key] as number);
  }
  const sorted = new Uint32Array(items.length);
  for (let i = 0; i < items.length; i++) {
    const item = items[i] as number;
    const key = keys[item] as number;
    const at = starts[key] as number;
    sorted[at] = item;
    starts[key] = at + 1;
  }
  return sorted;
}
