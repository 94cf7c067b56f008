import { useQueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { selectorOf, useFlame } from '../api/queries.ts';
import { FlamePanel } from '../graph/flame-panel.tsx';
import { Cancelled, Loading, NoSamples, RequestError } from '../graph/flame-states.tsx';
import { useRange } from '../time/range-context.tsx';
import { Timeline } from '../timeline/timeline.tsx';
import { useViewState } from '../url/use-view-state.ts';
import { CompareLink } from './compare-link.tsx';
import styles from './service-page.module.css';

/** One service, or all together: how much when, and in which code. */
export function ServicePage({ service }: { service: string }) {
  const { profileType, filters, maxNodes } = useViewState();
  const range = useRange();
  const query = useMemo(
    () => selectorOf({ profileType, service, filters }),
    [profileType, service, filters],
  );
  const flame = useFlame(query, range, maxNodes);
  const client = useQueryClient();
  const cancel = () => void client.cancelQueries({ queryKey: flame.queryKey });
  const retry = () => void flame.refetch();

  const content = () => {
    if (flame.error) return <RequestError error={flame.error} retry={retry} />;
    if (flame.data) {
      if ((flame.data.layout.tree.total[0] ?? 0) === 0 && !flame.isPlaceholderData) {
        return <NoSamples filters={filters} warnings={flame.data.meta.warnings} />;
      }
      return (
        <FlamePanel
          flame={flame.data}
          isStale={flame.isPlaceholderData}
          actions={<CompareLink service={service} />}
        />
      );
    }
    // A cancelled query goes back to where it was: pending, and fetching nothing.
    return flame.fetchStatus === 'idle' ? <Cancelled retry={retry} /> : null;
  };
  return (
    <main className={styles.page}>
      <div className={styles.timeline}>
        <Timeline query={query} height={104} />
      </div>
      <div className={styles.content}>
        {flame.isFetching && (
          <Loading key={query} receivedBytes={flame.receivedBytes} cancel={cancel} />
        )}
        {content()}
      </div>
    </main>
  );
}
