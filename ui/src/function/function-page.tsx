import { wholeOf } from '@bunsen/flame';
import { formatFrame, frameKind, kindColour, SERVICE_NAME, shortName } from '@bunsen/profile';
import { useMemo } from 'react';
import { selectorOf } from '../api/flame-requests.ts';
import { useAround } from '../api/queries.ts';
import { Icon } from '../components/icon.tsx';
import { Message } from '../components/message.tsx';
import pageStyles from '../components/page.module.css';
import { Segments } from '../components/segments.tsx';
import { FlamePanel } from '../graph/flame-panel.tsx';
import { FlameResult } from '../graph/flame-result.tsx';
import { useTheme } from '../theme.ts';
import { useRange } from '../time/range-context.tsx';
import { Timeline } from '../timeline/timeline.tsx';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import type { Direction } from '../url/view-state.ts';
import styles from './function-page.module.css';
import { ServiceCosts } from './service-costs.tsx';

const DIRECTIONS: { value: Direction; text: string; title: string }[] = [
  { value: 'callees', text: 'What it calls', title: 'Stacks below the function' },
  {
    value: 'callers',
    text: 'What calls it',
    title: 'Stacks above the function, the nearest first',
  },
];

/** One function across the fleet: which services and versions spend time in it, and around it. */
export default function FunctionPage({ name }: { name: string }) {
  const { module, direction } = useViewState();
  const theme = useTheme();
  const kind = frameKind(formatFrame({ name, module: module ?? '' }));
  return (
    <main className={pageStyles.page}>
      <div className={styles.top}>
        <div className={styles.title}>
          <h1 className={styles.name} title={name}>
            {name}
          </h1>
          <div className={styles.facts}>
            <span className={styles.swatch} style={{ background: kindColour(kind, theme) }} />
            {module || (module === null ? 'any module' : 'unknown module')}
            {module !== null && (
              <button type="button" onClick={() => updateViewState({ module: null })}>
                Any module
              </button>
            )}
            <button
              type="button"
              title="Copy name"
              onClick={() => void navigator.clipboard?.writeText(name)}
            >
              <Icon name="copy" /> Copy name
            </button>
          </div>
          <Trend name={name} />
          <Segments
            label="Side of the function"
            value={direction}
            options={DIRECTIONS}
            // Of callers nothing ends but the outermost: their own values say nothing.
            onPick={(picked) =>
              updateViewState({
                direction: picked,
                focus: '',
                sort: picked === 'callers' ? 'total' : 'self',
              })
            }
          />
        </div>
        <ServiceCosts name={name} />
      </div>
      <div className={pageStyles.content}>
        <Around name={name} />
      </div>
    </main>
  );
}

/** When the function was on stacks, by service, against the week before. */
function Trend({ name }: { name: string }) {
  const { profileType, filters, module } = useViewState();
  const query = selectorOf({ profileType, service: '', filters });
  const fn = useMemo(() => ({ name, module }), [name, module]);
  return (
    <div className={styles.trend}>
      <Timeline query={query} groupBy={SERVICE_NAME} fn={fn} height={96} />
    </div>
  );
}

function Around({ name }: { name: string }) {
  const { profileType, filters, module, direction, maxNodes } = useViewState();
  const range = useRange();
  const query = selectorOf({ profileType, service: '', filters });
  const flame = useAround(direction, { name, module }, query, range, maxNodes);
  return (
    <FlameResult
      result={flame}
      isEmpty={({ layout }) => wholeOf(layout) === 0}
      empty={() => <NotFound />}
    >
      {(data, isStale) => (
        <FlamePanel flame={data} isStale={isStale} name={`${shortName(name)}-${direction}`} />
      )}
    </FlameResult>
  );
}

function NotFound() {
  const { module } = useViewState();
  return (
    <Message
      tone="plain"
      title="No stack has this function"
      text="Not in this range, with this type and these labels."
    >
      <button type="button" onClick={() => updateViewState({ from: 'now-1d', until: 'now' })}>
        Last 1 day
      </button>
      {module !== null && (
        <button type="button" onClick={() => updateViewState({ module: null })}>
          In any module
        </button>
      )}
    </Message>
  );
}
