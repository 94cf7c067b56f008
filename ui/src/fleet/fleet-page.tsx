import { SERVICE_NAME } from '@bunsen/profile';
import { useMemo, useState } from 'react';
import { selectorOf, useSeries, useServices } from '../api/queries.ts';
import { Message } from '../components/message.tsx';
import { coresOf, digits, formatCount, formatValue, isCpuTime } from '../format/value.ts';
import { NoSamples, RequestError } from '../service/flame-states.tsx';
import { useRange } from '../time/range-context.tsx';
import { stepFor } from '../time/time-range.ts';
import { Timeline } from '../timeline/timeline.tsx';
import { PageLink } from '../url/page-link.tsx';
import { servicePath } from '../url/route.ts';
import { useLinkTo, useViewState } from '../url/use-view-state.ts';
import styles from './fleet-page.module.css';
import { ServiceList } from './service-list.tsx';

const SPARK_POINTS = 48;

/** The start: every service by what it costs. */
export function FleetPage() {
  const { profileType, filters } = useViewState();
  const range = useRange();
  const linkTo = useLinkTo();
  const query = selectorOf({ profileType, service: '', filters });
  const { data, error, refetch, isPending } = useServices(profileType, range);
  const sparks = useSeries(query, range, stepFor(range, SPARK_POINTS), SERVICE_NAME);
  const [filter, setFilter] = useState('');
  const listed = useMemo(
    () =>
      (data?.services ?? []).filter((one) =>
        one.service.toLowerCase().includes(filter.toLowerCase()),
      ),
    [data, filter],
  );

  if (error) return <RequestError error={error} retry={() => void refetch()} />;
  if (isPending) return <Message tone="plain" title="Loading services…" />;
  const sum = data.services.reduce((total, one) => total + one.total, 0);
  if (sum === 0) return <NoSamples filters={[]} />;
  const cpu = isCpuTime(data.unit);
  return (
    <main className={styles.page}>
      <div className={styles.summary}>
        <div className={styles.figure}>
          <strong>{cpu ? digits(coresOf(sum, range)) : formatValue(sum, data.unit)}</strong>
          <span>{cpu ? 'cores busy on average' : 'in all'}</span>
        </div>
        <div className={styles.figure}>
          <strong>{formatCount(data.services.length)}</strong>
          <span>{data.services.length === 1 ? 'service' : 'services'}</span>
        </div>
        <PageLink className={styles.all} to={linkTo(servicePath(''))}>
          Flame graph of all services
        </PageLink>
      </div>
      <Timeline query={query} groupBy={SERVICE_NAME} height={150} />
      <input
        className={styles.filter}
        type="search"
        placeholder="Filter services"
        aria-label="Filter services"
        value={filter}
        onChange={(event) => setFilter(event.target.value)}
      />
      <ServiceList services={listed} sum={sum} unit={data.unit} sparks={sparks.data} />
    </main>
  );
}
