import { wholeOf } from '@bunsen/flame';
import { useMemo } from 'react';
import { selectorOf } from '../api/flame-requests.ts';
import { exportUrl, useFlame } from '../api/queries.ts';
import pageStyles from '../components/page.module.css';
import { FlamePanel } from '../graph/flame-panel.tsx';
import { FlameResult } from '../graph/flame-result.tsx';
import { NoSamples } from '../graph/flame-states.tsx';
import { useRange } from '../time/range-context.tsx';
import type { TimelineMark } from '../timeline/marks.tsx';
import { Timeline } from '../timeline/timeline.tsx';
import { useViewState } from '../url/use-view-state.ts';
import { CompareLink, DeployLink } from './compare-link.tsx';
import styles from './service-page.module.css';
import { type Deploy, useDeploys } from './use-deploys.ts';

/** One service, or all together: how much when, and in which code. */
export function ServicePage({ service }: { service: string }) {
  const { profileType, filters, maxNodes } = useViewState();
  const range = useRange();
  const query = useMemo(
    () => selectorOf({ profileType, service, filters }),
    [profileType, service, filters],
  );
  const flame = useFlame(query, range, maxNodes);
  const deploys = useDeploys(service);
  return (
    <main className={pageStyles.page}>
      <div className={styles.timeline}>
        <Timeline query={query} height={104} marks={deploys.flatMap(markOf)} />
      </div>
      <div className={pageStyles.content}>
        <FlameResult
          result={flame}
          isEmpty={({ layout }) => wholeOf(layout) === 0}
          empty={({ meta }) => <NoSamples filters={filters} warnings={meta.warnings} />}
        >
          {(data, isStale) => (
            <FlamePanel
              flame={data}
              isStale={isStale}
              actions={
                <>
                  <CompareLink service={service} />
                  {deploys[0] && <DeployLink deploy={deploys[0]} />}
                </>
              }
              name={service || 'all'}
              exportUrl={(format) => exportUrl(query, range, format)}
            />
          )}
        </FlameResult>
      </div>
    </main>
  );
}

function markOf({ label, version, before, fromMs, to }: Deploy): TimelineMark[] {
  if (fromMs === null) return [];
  const title = `${label} ${version} began: what changed from ${before}`;
  return [{ atMs: fromMs, text: version, title, to }];
}
