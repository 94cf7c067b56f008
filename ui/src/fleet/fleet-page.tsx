import { SERVICE_NAME } from '@bunsen/profile';
import { useState } from 'react';
import { selectorOf } from '../api/flame-requests.ts';
import { coresOf, formatAmount, formatCount, formatMoney, isCpuTime } from '../format/value.ts';
import { Awaited, NoSamples, Warnings } from '../graph/flame-states.tsx';
import { useRange } from '../time/range-context.tsx';
import { Timeline } from '../timeline/timeline.tsx';
import { PageLink } from '../url/page-link.tsx';
import { servicePath } from '../url/route.ts';
import { useLinkTo, useViewState } from '../url/use-view-state.ts';
import { useSettings } from '../use-settings.ts';
import styles from './fleet-page.module.css';
import { ServiceList } from './service-list.tsx';
import { TopFunctions } from './top-functions.tsx';
import { useFleet } from './use-fleet.ts';

/** The start: every service by what it costs. */
export default function FleetPage() {
  const { profileType, filters } = useViewState();
  const range = useRange();
  const linkTo = useLinkTo();
  const { services, unit, warnings, error } = useFleet(profileType, filters, range);
  const [filter, setFilter] = useState('');
  const { costPerCoreHour, currency } = useSettings();

  if (error || !services) return <Awaited error={error} />;
  const sum = services.reduce((total, one) => total + one.total, 0);
  if (sum === 0) return <NoSamples filters={filters} warnings={warnings} />;
  const wanted = filter.toLowerCase();
  const cpu = isCpuTime(unit);
  return (
    <main className={styles.page}>
      <div className={styles.summary}>
        <div className={styles.figure}>
          <strong>{formatAmount(sum, unit, range)}</strong>
          <span>{cpu ? 'cores busy on average' : 'in all'}</span>
        </div>
        {cpu && costPerCoreHour > 0 && (
          <div className={styles.figure}>
            <strong>{formatMoney(coresOf(sum, range), costPerCoreHour, currency)}</strong>
            <span>a month at this rate</span>
          </div>
        )}
        <div className={styles.figure}>
          <strong>{formatCount(services.length)}</strong>
          <span>{services.length === 1 ? 'service' : 'services'}</span>
        </div>
        <PageLink className={styles.all} to={linkTo(servicePath(''))}>
          Flame graph of all services
        </PageLink>
      </div>
      <div>
        <Warnings warnings={warnings} />
        <Timeline
          query={selectorOf({ profileType, service: '', filters })}
          groupBy={SERVICE_NAME}
          height={150}
        />
      </div>
      <div className={styles.lists}>
        <section className={styles.services} aria-label="Services">
          <input
            className={styles.filter}
            type="search"
            placeholder="Filter services"
            aria-label="Filter services"
            value={filter}
            onChange={(event) => setFilter(event.target.value)}
          />
          <ServiceList
            services={services.filter((one) => one.service.toLowerCase().includes(wanted))}
            sum={sum}
            unit={unit}
          />
        </section>
        <TopFunctions />
      </div>
    </main>
  );
}
