import { formatFrame } from '@bunsen/profile';
import { useMemo, useState } from 'react';
import { selectorOf } from '../api/flame-requests.ts';
import { useFunctionCosts } from '../api/queries.ts';
import { Icon } from '../components/icon.tsx';
import { formatAmount, formatShare, isCpuTime } from '../format/value.ts';
import { useRange } from '../time/range-context.tsx';
import type { TimeRange } from '../time/time-range.ts';
import { PageLink } from '../url/page-link.tsx';
import { servicePath } from '../url/route.ts';
import { useLinkTo, useViewState } from '../url/use-view-state.ts';
import { type Cost, serviceCosts } from './cost-rows.ts';
import styles from './service-costs.module.css';

/** What a function costs in each service, and in the versions of those that are opened. */
export function ServiceCosts({ name }: { name: string }) {
  const { profileType, filters, module } = useViewState();
  const range = useRange();
  const linkTo = useLinkTo();
  const query = selectorOf({ profileType, service: '', filters });
  const { data, error } = useFunctionCosts({ name, module }, query, range);
  const rows = useMemo(() => (data ? serviceCosts(data.costs) : []), [data]);
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const toggle = (service: string) => setOpened((before) => toggled(before, service));
  const fn = formatFrame({ name, module: module ?? '' });
  const largest = rows[0]?.cost.total ?? 0;
  const unit = data?.unit ?? '';
  if (error) return <p className={styles.note}>{error.message}</p>;
  if (!data || rows.length === 0) return null;
  return (
    <div className={styles.costs}>
      <table className={styles.table} aria-label="Cost by service">
        <thead>
          <tr>
            <th scope="col">Service</th>
            <th scope="col">{isCpuTime(unit) ? 'Cores' : 'Total'}</th>
            <th scope="col">Of service</th>
            <th scope="col">Self</th>
          </tr>
        </thead>
        {rows.map(({ service, cost, versions }) => (
          <tbody key={service}>
            <tr>
              <td className={styles.service}>
                <span
                  className={styles.bar}
                  style={{ width: `${(cost.total / largest) * 100}%` }}
                />
                <button
                  type="button"
                  disabled={versions.length === 0}
                  aria-expanded={opened.has(service)}
                  aria-label={`Versions of ${service}`}
                  title={versions.length === 0 ? 'No label version' : 'By version'}
                  onClick={() => toggle(service)}
                >
                  <Icon name={opened.has(service) ? 'down' : 'right'} />
                </button>
                <PageLink to={linkTo(servicePath(service), { fn })} title={service}>
                  {service || '(no name)'}
                </PageLink>
              </td>
              <Figures cost={cost} unit={unit} range={data} />
            </tr>
            {opened.has(service) &&
              versions.map(({ version, cost: own }) => (
                <tr key={version}>
                  <td className={styles.version} title={version}>
                    {version || '(no version)'}
                  </td>
                  <Figures cost={own} unit={unit} range={data} />
                </tr>
              ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

/** @param range what was summed, for figures a second */
function Figures({ cost, unit, range }: { cost: Cost; unit: string; range: TimeRange }) {
  const amount = (value: number) => formatAmount(value, unit, range);
  return (
    <>
      <td>{amount(cost.total)}</td>
      <td>{formatShare(cost.whole > 0 ? cost.total / cost.whole : 0)}</td>
      <td className={styles.minor}>{amount(cost.self)}</td>
    </>
  );
}

function toggled(set: ReadonlySet<string>, item: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(item)) next.add(item);
  return next;
}
