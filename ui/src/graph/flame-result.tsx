import { useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { FlameQuery } from '../api/queries.ts';
import { Cancelled, Loading, RequestError } from './flame-states.tsx';

/** What came of a request for something to draw: it, or what is there instead of it. */
export function FlameResult<T>(props: {
  result: FlameQuery<T>;
  isEmpty: (data: T) => boolean;
  /** What stands in the place of something empty. */
  empty: (data: T) => ReactNode;
  /** `isStale`: of the request before, while the next is on its way. */
  children: (data: T, isStale: boolean) => ReactNode;
}) {
  const { result, isEmpty, empty, children } = props;
  const { data, error, isPlaceholderData } = result;
  const client = useQueryClient();
  const cancel = () => void client.cancelQueries({ queryKey: result.queryKey });
  const retry = () => void result.refetch();
  const content = () => {
    if (error) return <RequestError error={error} retry={retry} />;
    if (data) {
      return isEmpty(data) && !isPlaceholderData ? empty(data) : children(data, isPlaceholderData);
    }
    // A cancelled query goes back to where it was: pending, and fetching nothing.
    return result.fetchStatus === 'idle' ? <Cancelled retry={retry} /> : null;
  };
  return (
    <>
      {result.isFetching && (
        <Loading
          key={JSON.stringify(result.queryKey)}
          what="The server is merging profiles"
          receivedBytes={result.receivedBytes}
          cancel={cancel}
        />
      )}
      {content()}
    </>
  );
}
