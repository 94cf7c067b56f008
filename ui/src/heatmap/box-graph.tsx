import { useMemo } from 'react';
import { selectorOf } from '../api/flame-requests.ts';
import { useDiff } from '../api/queries.ts';
import { ComparePanel } from '../compare/compare-panel.tsx';
import { Icon } from '../components/icon.tsx';
import pageStyles from '../components/page.module.css';
import { FlameResult } from '../graph/flame-result.tsx';
import { NoSamples } from '../graph/flame-states.tsx';
import { formatTime } from '../time/time-range.ts';
import { DEFAULT_COMPARE, type SideState } from '../url/compare-state.ts';
import { PageLink } from '../url/page-link.tsx';
import { COMPARE_PATH, pathOfPage } from '../url/route.ts';
import { updateViewState, useLinkTo, useViewState } from '../url/use-view-state.ts';
import type { Box } from '../url/view-state.ts';
import { filtersOfValues } from './box-filters.ts';
import styles from './box-graph.module.css';
import { type HeatGrid, wholeRange } from './heat-grid.ts';
import { restOf } from './rest-of.ts';

/** What a rectangle spends its time on (B), against everything else that is in sight (A). */
export function BoxGraph(props: { service: string; label: string; grid: HeatGrid; box: Box }) {
  const { service, label, grid, box } = props;
  const { profileType, filters, maxNodes } = useViewState();
  const inBox = filtersOfValues(label, box.values, '=');
  const diff = useDiff(
    { query: selectorOf({ profileType, service, filters }), range: wholeRange(grid, box) },
    { query: selectorOf({ profileType, service, filters: [...filters, ...inBox] }), range: box },
    maxNodes,
  );
  const { data } = diff;
  const rest = useMemo(() => data && restOf(data), [data]);
  return (
    <>
      <BoxBar {...props} />
      <div className={`${pageStyles.content} ${styles.graph}`}>
        <FlameResult
          result={diff}
          isEmpty={({ tree }) => !tree.right.total[0]}
          empty={({ meta }) => <NoSamples filters={filters} warnings={meta.warnings} />}
        >
          {(_, isStale) =>
            rest && <ComparePanel diff={rest} isStale={isStale} name={`${service || 'all'}-box`} />
          }
        </FlameResult>
      </div>
    </>
  );
}

/** What the rectangle is, and where else it can be looked at. */
function BoxBar({ service, label, box }: { service: string; label: string; box: Box }) {
  const { filters } = useViewState();
  const linkTo = useLinkTo();
  const { values, fromMs, untilMs } = box;
  const side = (own: SideState['filters'], from: number, until: number): SideState => ({
    service,
    filters: [...filters, ...own],
    from: String(from),
    until: String(until),
  });
  const inside = filtersOfValues(label, values, '=');
  const right = side(inside, fromMs, untilMs);
  const against = (left: SideState) =>
    linkTo(COMPARE_PATH, { compare: { ...DEFAULT_COMPARE, left, right } });
  const [start, end] = [formatTime(fromMs), formatTime(untilMs)];
  return (
    <div className={styles.bar}>
      <span className={styles.what}>
        <strong>
          {values.length === 1 ? values[0] || `no ${label}` : `${values.length} × ${label}`}
        </strong>{' '}
        {start} – {start.slice(0, 10) === end.slice(0, 10) ? end.slice(11) : end}
      </span>
      <span className={styles.sides}>A: all the rest in sight · B: the rectangle</span>
      <span className={styles.links}>
        <PageLink
          to={linkTo(pathOfPage('service', service), {
            filters: right.filters,
            from: right.from,
            until: right.until,
          })}
        >
          Flame graph of it
        </PageLink>
        <PageLink to={against(side(filtersOfValues(label, values, '!='), fromMs, untilMs))}>
          Compare with other rows
        </PageLink>
        <PageLink to={against(side(inside, 2 * fromMs - untilMs, fromMs))}>
          Compare with before
        </PageLink>
        <button
          type="button"
          title="Let go of the rectangle (Esc)"
          onClick={() => updateViewState({ box: null, focus: '' })}
        >
          <Icon name="close" />
          <span className="visually-hidden">Let go of the rectangle</span>
        </button>
      </span>
    </div>
  );
}
