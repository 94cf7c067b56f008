import { type Matcher, SERVICE_NAME, shortName } from '@bunsen/profile';
import { signed } from '../format/change.ts';
import { formatCost, formatShare } from '../format/value.ts';
import type { TimeRange } from '../time/time-range.ts';
import { DEFAULT_COMPARE } from '../url/compare-state.ts';
import { PageLink } from '../url/page-link.tsx';
import { COMPARE_PATH, pathOfPage } from '../url/route.ts';
import { useLinkTo, useViewState } from '../url/use-view-state.ts';
import { SmallChart } from './small-chart.tsx';
import styles from './value-card.module.css';
import type { SharedScale, ValueRow } from './value-rows.ts';

/** One value of the label: how much it used, how unlike the rest it is and by which functions. */
export function ValueCard(props: {
  row: ValueRow;
  label: string;
  service: string;
  unit: string;
  /** Of all values. */
  total: number;
  range: TimeRange;
  scale: SharedScale;
}) {
  const { row, label, service, unit, total, range, scale } = props;
  const { value, distance, chance, isUnlike } = row;
  const name = value || `(no ${label})`;
  return (
    <li className={styles.card} data-unlike={isUnlike}>
      <h2 className={styles.name} title={name}>
        {name}
      </h2>
      <span className={styles.amount}>
        <strong>{formatCost(row.total, unit, range)}</strong> {formatShare(row.total / total)}
      </span>
      <div className={styles.chart}>
        <SmallChart values={row.series} scale={scale} />
      </div>
      <div className={styles.distance}>
        <span>
          <strong>{formatShare(distance)}</strong>{' '}
          {isUnlike ? 'unlike the rest' : 'unlike: by chance'}
        </span>
        <span className={styles.track} title={`By chance alone it would be ${formatShare(chance)}`}>
          <span className={styles.bar} style={{ width: `${distance * 100}%` }} />
          <span className={styles.chance} style={{ left: `${chance * 100}%` }} />
        </span>
      </div>
      <ul className={styles.functions}>
        {row.functions.map(({ name: fn, module, share, restShare }) => (
          <li key={`${fn}\n${module}`} title={module ? `${fn}\n${module}` : fn}>
            <span className={styles.change} data-less={share < restShare}>
              {signed(share - restShare, `${(Math.abs(share - restShare) * 100).toFixed(1)} pp`)}
            </span>
            <span className={styles.function}>{shortName(fn)}</span>
          </li>
        ))}
      </ul>
      <Links label={label} value={value} service={service} />
    </li>
  );
}

function Links({ label, value, service }: { label: string; value: string; service: string }) {
  const { filters, from, until } = useViewState();
  const linkTo = useLinkTo();
  const side = (operator: Matcher['operator']) => ({
    service,
    filters: [...filters, { name: label, operator, value }],
    from,
    until,
  });
  const own =
    label === SERVICE_NAME
      ? linkTo(pathOfPage('service', value))
      : linkTo(pathOfPage('service', service), { filters: side('=').filters });
  const compare = { ...DEFAULT_COMPARE, left: side('!='), right: side('=') };
  return (
    <div className={styles.links}>
      <PageLink to={own}>Flame graph</PageLink>
      <PageLink to={linkTo(COMPARE_PATH, { compare })}>Compare with the rest</PageLink>
    </div>
  );
}
