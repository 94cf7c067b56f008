import type { ReactNode } from 'react';
import { Icon } from '../components/icon.tsx';
import { Segments } from '../components/segments.tsx';
import { formatMoney } from '../format/value.ts';
import { changeSettings, MOST_CURRENCY, type Settings } from '../settings.ts';
import { chooseTheme, type ThemeChoice, useThemeChoice } from '../theme.ts';
import { useClock } from '../time/range-context.tsx';
import { describeTimeZone, formatTime, PRESETS } from '../time/time-range.ts';
import { PageLink } from '../url/page-link.tsx';
import { useSettings } from '../use-settings.ts';
import styles from './settings-page.module.css';

const THEMES: { value: ThemeChoice; text: string }[] = [
  { value: 'system', text: 'As the system' },
  { value: 'light', text: 'Light' },
  { value: 'dark', text: 'Dark' },
];
const ZONES: { value: Settings['zone']; text: string }[] = [
  { value: 'local', text: 'This browser’s zone' },
  { value: 'utc', text: 'UTC' },
];

/** What a reader chooses for all pages. Nothing of it goes to the server. */
export default function SettingsPage() {
  const settings = useSettings();
  const theme = useThemeChoice();
  const { nowMs } = useClock();
  return (
    <main className={styles.page}>
      <div className={styles.column}>
        <h1>Settings</h1>
        <p className={styles.about}>Kept by this browser, for this reader alone.</p>
        <Setting title="Theme">
          <Segments label="Theme" value={theme} options={THEMES} onPick={chooseTheme} />
        </Setting>
        <Setting
          title="Time zone"
          note={`Now it is ${formatTime(nowMs)}, ${describeTimeZone(nowMs)}.`}
        >
          <Segments
            label="Time zone"
            value={settings.zone}
            options={ZONES}
            onPick={(zone) => changeSettings({ zone })}
          />
        </Setting>
        <Setting
          title="First range"
          note="What a visit begins with. Links keep the range that they were made with."
        >
          <select
            aria-label="First range"
            value={settings.range}
            onChange={(event) => changeSettings({ range: event.target.value })}
          >
            {PRESETS.map(({ from, label }) => (
              <option key={from} value={from}>
                {label}
              </option>
            ))}
          </select>
        </Setting>
        <CostSetting />
        <SavedViews />
        <Setting title="API" note="Every route with its parameters and answers, as a page.">
          <a href="/api/reference">API reference</a>
        </Setting>
      </div>
    </main>
  );
}

function Setting(props: { title: string; note?: ReactNode; children: ReactNode }) {
  return (
    <section className={styles.setting}>
      <h2>{props.title}</h2>
      <div className={styles.control}>{props.children}</div>
      {props.note && <p className={styles.note}>{props.note}</p>}
    </section>
  );
}

function CostSetting() {
  const { costPerCoreHour, currency } = useSettings();
  const example = formatMoney(1, costPerCoreHour, currency);
  return (
    <Setting
      title="Cost of a core"
      note={
        costPerCoreHour > 0
          ? `A core that is always busy costs ${example} a month. The list of services has a column of it.`
          : 'With it, the list of services says what each costs in a month.'
      }
    >
      <input
        className={styles.currency}
        aria-label="Currency"
        maxLength={MOST_CURRENCY}
        value={currency}
        onChange={(event) => changeSettings({ currency: event.target.value })}
      />
      <input
        className={styles.cost}
        type="number"
        aria-label="Cost of a core in an hour"
        min="0"
        step="any"
        placeholder="0.04"
        value={costPerCoreHour || ''}
        onChange={(event) =>
          changeSettings({ costPerCoreHour: Math.max(0, event.target.valueAsNumber || 0) })
        }
      />
      an hour
    </Setting>
  );
}

function SavedViews() {
  const { views } = useSettings();
  return (
    <Setting
      title="Saved views"
      note={
        <>
          The star on every page saves it. <kbd>Ctrl K</kbd> finds views by their names.
        </>
      }
    >
      {views.length === 0 && <span className={styles.none}>None yet.</span>}
      <ul className={styles.views} aria-label="Saved views">
        {views.map(({ name, url }) => (
          <li key={name}>
            <PageLink to={url}>{name}</PageLink>
            <span className={styles.url}>{url}</span>
            <button
              type="button"
              title="Delete"
              onClick={() => changeSettings({ views: views.filter((one) => one.name !== name) })}
            >
              <Icon name="close" />
              <span className="visually-hidden">Delete {name}</span>
            </button>
          </li>
        ))}
      </ul>
    </Setting>
  );
}
