import { QueryClient } from '@tanstack/react-query';

/** What the page asked the server for, and the answers. */
export const queryClient = new QueryClient({
  defaultOptions: {
    // A range is fixed in milliseconds, so what was asked for it stays as it is until a refresh.
    queries: { staleTime: Number.POSITIVE_INFINITY, retry: false, refetchOnWindowFocus: false },
  },
});
