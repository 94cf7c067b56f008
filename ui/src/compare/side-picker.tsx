import { selectorOf } from '../api/flame-requests.ts';
import { useSeries } from '../api/queries.ts';
import { Icon } from '../components/icon.tsx';
import { Sparkline } from '../components/sparkline.tsx';
import { LabelFilters } from '../header/label-filters.tsx';
import { ServicePicker } from '../header/service-picker.tsx';
import { RangePicker } from '../header/time-picker.tsx';
import { useRange } from '../time/range-context.tsx';
import { stepFor, type TimeRange } from '../time/time-range.ts';
import type { SideState } from '../url/compare-state.ts';
import { PageLink } from '../url/page-link.tsx';
import { servicePath } from '../url/route.ts';
import { updateCompare, useLinkTo, useViewState } from '../url/use-view-state.ts';
import styles from './side-picker.module.css';

/** One side of a comparison: whose profiles, with which labels, and when. `range`: null if malformed. */
export function SidePicker(props: {
  letter: 'A' | 'B';
  side: 'left' | 'right';
  range: TimeRange | null;
}) {
  const { letter, side } = props;
  const { profileType, compare } = useViewState();
  const linkTo = useLinkTo();
  const pageRange = useRange();
  const range = props.range ?? pageRange;
  const state = compare[side];
  const change = (patch: Partial<SideState>) => updateCompare({ [side]: { ...state, ...patch } });
  return (
    <section className={styles.side} data-side={side} aria-label={`Side ${letter}`}>
      <span className={styles.letter}>{letter}</span>
      <ServicePicker
        className={styles.service}
        label={`Service of ${letter}`}
        service={state.service}
        range={range}
        onPick={(service) => change({ service })}
      />
      <LabelFilters
        subject={{ profileType, service: state.service, filters: state.filters }}
        range={range}
        onChange={(filters) => change({ filters })}
      />
      <RangePicker
        label={`Time range of ${letter}`}
        align="start"
        value={state}
        onPick={({ from, until }) => change({ from, until })}
      />
      <div className={styles.end}>
        {props.range && <Trend query={selectorOf({ ...state, profileType })} range={props.range} />}
        <PageLink
          className={styles.open}
          title={`Open ${letter} on its own page`}
          to={linkTo(servicePath(state.service), {
            filters: state.filters,
            from: state.from,
            until: state.until,
          })}
        >
          <Icon name="right" />
          <span className="visually-hidden">Open {letter} on its own page</span>
        </PageLink>
      </div>
    </section>
  );
}

const SPARK_POINTS = 48;

function Trend({ query, range }: { query: string; range: TimeRange }) {
  const { data } = useSeries(query, range, stepFor(range, SPARK_POINTS));
  return <Sparkline values={data?.series[0]?.values} />;
}
