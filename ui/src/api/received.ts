/** Bytes that have come of the requests that are on their way, by the JSON of their query keys. */
const received = new Map<string, number>();
const listeners = new Set<() => void>();

/** @param bytes that have come so far; 0 once the request is over */
export function reportReceived(queryKey: readonly unknown[], bytes: number): void {
  const key = JSON.stringify(queryKey);
  if (bytes === 0) received.delete(key);
  else received.set(key, bytes);
  for (const listener of listeners) listener();
}

export function receivedBytes(queryKey: readonly unknown[]): number {
  return received.get(JSON.stringify(queryKey)) ?? 0;
}

/** @returns a function that ends it */
export function onReceived(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
