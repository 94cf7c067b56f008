import { useEffect, useState } from 'react';

const REST_MS = 1000;

/**
 * Whether the browser has had nothing to do once, or a second has passed: then is soon enough for what
 * is in no first picture, such as what a menu offers.
 */
export function useAtRest(): boolean {
  const [atRest, setAtRest] = useState(false);
  useEffect(() => {
    const rest = () => setAtRest(true);
    // Safari has no such callback.
    if (!('requestIdleCallback' in window)) {
      const timer = setTimeout(rest, REST_MS);
      return () => clearTimeout(timer);
    }
    const request = requestIdleCallback(rest, { timeout: REST_MS });
    return () => cancelIdleCallback(request);
  }, []);
  return atRest;
}
