import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'react';
import { Sparkline } from '../components/sparkline.tsx';
import { relativeChange } from '../format/change.ts';
import {
  coresOf,
  formatAge,
  formatAmount,
  formatMoney,
  formatShare,
  isCpuTime,
} from '../format/value.ts';
import { useClock, useRange } from '../time/range-context.tsx';
import { WEEK_MS } from '../time/time-range.ts';
import { DEFAULT_COMPARE, earlierSide } from '../url/compare-state.ts';
import { PageLink } from '../url/page-link.tsx';
import { COMPARE_PATH, servicePath } from '../url/route.ts';
import { useLinkTo, useViewState } from '../url/use-view-state.ts';
import { useSettings } from '../use-settings.ts';
import styles from './service-list.module.css';
import type { FleetService } from './use-fleet.ts';

const ROW_HEIGHT = 34;

/** Services with their share, as far as they are in sight: there may be thousands. */
export function ServiceList(props: {
  services: FleetService[];
  /** Of all services, listed or not. */
  sum: number;
  unit: string;
}) {
  const { services, sum, unit } = props;
  const range = useRange();
  const { nowMs } = useClock();
  const linkTo = useLinkTo();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: services.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
  });
  const cpu = isCpuTime(unit);
  const largest = services[0]?.total ?? 1;
  const { costPerCoreHour, currency } = useSettings();
  const hasCosts = cpu && costPerCoreHour > 0;
  return (
    <div ref={scroller} className={styles.list} data-costs={hasCosts}>
      <table className={styles.table} aria-rowcount={services.length + 1}>
        <thead>
          <tr className={styles.row}>
            <th scope="col">Service</th>
            <th scope="col" className={styles.spark}>
              Over time
            </th>
            <th scope="col" className={styles.number}>
              {cpu ? 'Cores' : 'Total'}
            </th>
            {hasCosts && (
              <th scope="col" className={styles.number} title="At this rate">
                A month
              </th>
            )}
            <th scope="col" className={styles.number}>
              Share
            </th>
            <th scope="col" className={styles.number} title="Against the same time last week">
              Last week
            </th>
            <th scope="col" className={styles.minor}>
              Series
            </th>
            <th scope="col" className={styles.minor}>
              Last seen
            </th>
          </tr>
        </thead>
        <tbody style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const one = services[index];
            if (!one) return null;
            return (
              <tr
                key={one.service}
                className={styles.row}
                style={{ transform: `translateY(${start}px)` }}
                aria-rowindex={index + 2}
              >
                <td className={styles.service}>
                  <span
                    className={styles.bar}
                    style={{ width: `${(one.total / largest) * 100}%` }}
                  />
                  <PageLink to={linkTo(servicePath(one.service))} title={one.service}>
                    {one.service || '(no name)'}
                  </PageLink>
                </td>
                <td className={styles.spark}>
                  <Sparkline values={one.values} />
                </td>
                <td className={styles.number}>{formatAmount(one.total, unit, range)}</td>
                {hasCosts && (
                  <td className={styles.number}>
                    {formatMoney(coresOf(one.total, range), costPerCoreHour, currency)}
                  </td>
                )}
                <td className={styles.number}>{formatShare(one.total / sum)}</td>
                <td className={styles.number}>
                  <WeekChange service={one} />
                </td>
                <td className={styles.minor}>{one.series ?? '–'}</td>
                <td className={styles.minor}>{formatAge(nowMs - one.lastSeenMs)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      {services.length === 0 && <p className={styles.none}>No service of that name.</p>}
    </div>
  );
}

/** How much more or less than last week, and the way to what changed. */
function WeekChange({ service: { service, total, weekAgo } }: { service: FleetService }) {
  const { filters, from, until } = useViewState();
  const { nowMs } = useClock();
  const linkTo = useLinkTo();
  if (weekAgo === undefined) return null;
  const text = relativeChange(weekAgo, total);
  if (weekAgo === 0) return <span className={styles.quiet}>{text}</span>;
  const right = { service, filters, from, until };
  const left = earlierSide(right, WEEK_MS, nowMs);
  const isSmall = Math.abs(total / weekAgo - 1) < 0.1;
  return (
    <PageLink
      className={isSmall ? styles.quiet : undefined}
      title="What changed since last week"
      to={linkTo(COMPARE_PATH, { compare: { ...DEFAULT_COMPARE, left, right } })}
    >
      {text}
    </PageLink>
  );
}
