import { navigate } from 'wouter/use-browser-location';
import { useProfileTypes } from '../api/queries.ts';
import { Icon } from '../components/icon.tsx';
import { useAtRest } from '../components/use-at-rest.ts';
import { openDialog } from '../dialogs.tsx';
import { profileTypeName } from '../format/value.ts';
import { useClock } from '../time/range-context.tsx';
import type { TimeRange } from '../time/time-range.ts';
import { type PageName, pathOfPage } from '../url/route.ts';
import { updateViewState, useLinkTo, useRoute, useViewState } from '../url/use-view-state.ts';
import styles from './header.module.css';
import { LabelFilters } from './label-filters.tsx';
import { SaveView } from './save-view.tsx';
import { ServicePicker } from './service-picker.tsx';
import { ThemePicker } from './theme-picker.tsx';
import { TimePicker } from './time-picker.tsx';

/** Pages that are not about a selection of profiles, or show themselves which. */
const WITHOUT_SUBJECT: readonly PageName[] = ['adhoc', 'agents', 'settings'];
/** Pages that have no time, or more than one. */
const WITHOUT_TIME: readonly PageName[] = ['adhoc', 'settings', 'compare'];

/**
 * What every page has on top: what is looked at (service, type, labels) and when. A comparison has two
 * of each, and shows them itself.
 */
export function Header() {
  const linkTo = useLinkTo();
  const { range, refresh } = useClock();
  const { page } = useRoute();
  return (
    <header className={styles.header}>
      <a
        className={styles.brand}
        href={linkTo('/')}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          navigate(linkTo('/'));
        }}
      >
        <Logo />
        Bunsen
      </a>
      {range && !WITHOUT_SUBJECT.includes(page) && <Subject range={range} />}
      <div className={styles.right}>
        <button
          type="button"
          className={styles.palette}
          title="Go to a service or a function (Ctrl K)"
          onClick={() => openDialog('palette')}
        >
          <Icon name="search" />
          <span className="visually-hidden">Go to a service or a function</span>
        </button>
        {!WITHOUT_TIME.includes(page) && (
          <>
            <TimePicker />
            <LivePicker />
          </>
        )}
        {page === 'compare' && <RefreshButton refresh={refresh} />}
        <SaveView />
        <ThemePicker />
        <button
          type="button"
          className={styles.help}
          title="Keys (?)"
          onClick={() => openDialog('keys')}
        >
          <span aria-hidden="true">?</span>
          <span className="visually-hidden">Keys</span>
        </button>
      </div>
    </header>
  );
}

function Subject({ range }: { range: TimeRange }) {
  const route = useRoute();
  const { profileType, filters, label } = useViewState();
  const linkTo = useLinkTo();
  const service = 'service' in route ? route.service : null;
  // Another service is shown on the same page, where that is of a service.
  const page = 'service' in route ? route.page : 'service';
  if (route.page === 'compare') {
    return (
      <div className={styles.subject}>
        <ProfileTypePicker range={range} />
      </div>
    );
  }
  return (
    <div className={styles.subject}>
      <ServicePicker
        className={styles.service}
        service={service}
        range={range}
        onPick={(picked) => navigate(linkTo(pathOfPage(page, picked), { label }))}
      />
      <ProfileTypePicker range={range} />
      <LabelFilters
        subject={{ profileType, service: service ?? '', filters }}
        range={range}
        onChange={(next) => updateViewState({ filters: next, focus: '' })}
      />
    </div>
  );
}

export function ProfileTypePicker({ range }: { range: TimeRange }) {
  const { profileType } = useViewState();
  const { data } = useProfileTypes(range, useAtRest());
  const ids = data?.profileTypes.map((type) => type.id) ?? [];
  const listed = ids.includes(profileType) ? ids : [profileType, ...ids];
  return (
    <select
      className={styles.type}
      aria-label="Profile type"
      title={profileType}
      value={profileType}
      onChange={(event) => updateViewState({ profileType: event.target.value, fn: '', focus: '' })}
    >
      {listed.map((id) => (
        <option key={id} value={id}>
          {profileTypeName(id)}
        </option>
      ))}
    </select>
  );
}

const INTERVALS = [0, 5, 15, 30, 60, 300];

function LivePicker() {
  const { refreshS, until } = useViewState();
  const { refresh, range } = useClock();
  const isFollowing = until.startsWith('now');
  const change = (seconds: number) => {
    // A fixed range never changes: to follow what happens it has to end now.
    const moved =
      seconds > 0 && range && !isFollowing
        ? { from: `now-${Math.round((range.untilMs - range.fromMs) / 1000)}s`, until: 'now' }
        : {};
    updateViewState({ refreshS: seconds, ...moved });
  };
  const listed = INTERVALS.includes(refreshS) ? INTERVALS : [...INTERVALS, refreshS];
  const isLive = refreshS > 0 && isFollowing;
  return (
    <div className={styles.live} data-live={isLive}>
      {isLive ? (
        <button type="button" aria-label="Pause" title="Pause" onClick={() => change(0)}>
          <Icon name="pause" />
        </button>
      ) : (
        <RefreshButton refresh={refresh} />
      )}
      <select
        aria-label="Refresh by itself"
        title="Refresh by itself"
        value={refreshS}
        onChange={(event) => change(Number(event.target.value))}
      >
        {listed.map((seconds) => (
          <option key={seconds} value={seconds}>
            {seconds === 0 ? 'Off' : seconds < 60 ? `${seconds} s` : `${seconds / 60} min`}
          </option>
        ))}
      </select>
    </div>
  );
}

function RefreshButton({ refresh }: { refresh: () => void }) {
  return (
    <button type="button" onClick={refresh} aria-label="Refresh" title="Refresh">
      <Icon name="refresh" />
    </button>
  );
}

function Logo() {
  return (
    <svg width="20" height="20" viewBox="0 0 32 32" aria-hidden="true">
      <path
        className={styles.flame}
        d="M16 2c1 6 8 9 8 17a8 8 0 0 1-16 0c0-4 2-6 3-9 2 2 3 3 3 5 2-3 3-7 2-13z"
      />
      <path
        className={styles.core}
        d="M16 15c.5 3 4 4.5 4 8a4 4 0 0 1-8 0c0-2 1-3 1.5-4.5 1 .8 1.5 1.5 1.7 2.5.8-1.5 1.2-3.5.8-6z"
      />
    </svg>
  );
}
