import { flameQuery, flameRequest, selectorOf } from './api/flame-requests.ts';
import { queryClient } from './api/query-client.ts';
import { PAGES } from './pages.ts';
import { OPENED_AT_MS } from './time/opened-at.ts';
import { resolveRange } from './time/time-range.ts';
import { parseRoute } from './url/route.ts';
import { parseViewState } from './url/view-state.ts';

// The URL says everything that a service's flame graph is asked for with: the server merges it while
// the browser is still about the app, which then finds its request on its way.
const route = parseRoute(location.pathname);
if (route.page === 'service') {
  const { profileType, filters, maxNodes, from, until } = parseViewState(location.search);
  const range = resolveRange(from, until, OPENED_AT_MS);
  if (!('error' in range)) {
    const query = selectorOf({ profileType, service: route.service, filters });
    void queryClient.prefetchQuery(flameQuery(flameRequest(query, range, maxNodes)));
  }
}
void import('./main.tsx');
// The page itself comes beside the app. Should it not come, the app asks again, and says so.
if (route.page in PAGES) PAGES[route.page as keyof typeof PAGES]().catch(() => undefined);
