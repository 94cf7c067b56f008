import { matchedTotal, type PreparedFlame } from '@bunsen/flame';
import { emphasisColour, FRAME_KINDS, frameKind, kindColour, parseFrame } from '@bunsen/profile';
import { type RefObject, useDeferredValue, useMemo } from 'react';
import { Icon } from '../components/icon.tsx';
import { coresOf, formatCores, formatShare, formatValue, isCpuTime } from '../format/value.ts';
import { useTheme } from '../theme.ts';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import { PANES, type Pane } from '../url/view-state.ts';
import styles from './flame-toolbar.module.css';
import { type SearchResult, useFunctionMarks } from './use-marks.ts';

/** Above graph and table: search and what it found, the function that is picked, totals, layout. */
export function FlameToolbar(props: {
  flame: PreparedFlame;
  found: SearchResult | { error: string } | null;
  searchField: RefObject<HTMLInputElement | null>;
}) {
  const { flame, found } = props;
  const { layout, meta } = flame;
  const total = layout.tree.total[0] ?? 0;
  return (
    <div className={styles.toolbar}>
      <SearchBox found={found} field={props.searchField} />
      <PickedFunction flame={flame} />
      <span className={styles.total}>
        <strong>
          {isCpuTime(meta.unit) ? formatCores(coresOf(total, meta)) : formatValue(total, meta.unit)}
        </strong>
        {isCpuTime(meta.unit) && <span> · {formatValue(total, meta.unit)}</span>}
      </span>
      <Legend frames={layout.tree.frames} />
      <PaneSwitch />
    </div>
  );
}

function SearchBox(props: {
  found: SearchResult | { error: string } | null;
  field: RefObject<HTMLInputElement | null>;
}) {
  const { found, field } = props;
  const { search, isRegex } = useViewState();
  const theme = useTheme();
  const error = found && 'error' in found ? found.error : '';
  return (
    <div className={styles.search} data-error={error !== ''}>
      <Icon name="search" />
      <input
        ref={field}
        value={search}
        placeholder="Search functions and modules"
        aria-label="Search functions and modules"
        aria-invalid={error !== ''}
        title={error || undefined}
        spellCheck={false}
        onChange={(event) => updateViewState({ search: event.target.value }, { replace: true })}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.preventDefault();
          if (search === '') event.currentTarget.blur();
          else updateViewState({ search: '' }, { replace: true });
        }}
      />
      {error && <span className={styles.error}>not a regular expression</span>}
      {found && 'share' in found && (
        <span className={styles.found}>
          <span className={styles.swatch} style={{ background: emphasisColour(theme) }} />
          {found.functions === 0
            ? 'no match'
            : `${formatShare(found.share)} in ${found.functions} ${found.functions === 1 ? 'function' : 'functions'}`}
        </span>
      )}
      {search === '' ? (
        <kbd>/</kbd>
      ) : (
        <button
          type="button"
          aria-label="Clear the search"
          title="Clear the search (Esc)"
          onClick={() => updateViewState({ search: '' })}
        >
          <Icon name="close" />
        </button>
      )}
      <button
        type="button"
        className={styles.regex}
        aria-pressed={isRegex}
        aria-label="Regular expression"
        title="Regular expression"
        onClick={() => updateViewState({ isRegex: !isRegex })}
      >
        .*
      </button>
    </div>
  );
}

/** The function that was picked from the table stays marked until it is let go. */
function PickedFunction({ flame }: { flame: PreparedFlame }) {
  const { fn } = useViewState();
  const marked = useFunctionMarks(flame, fn);
  const { tree } = flame.layout;
  const total = useMemo(() => (marked ? matchedTotal(tree, marked) : 0), [tree, marked]);
  if (fn === '') return null;
  return (
    <span className={styles.picked}>
      <span className={styles.pickedName} title={parseFrame(fn).name}>
        {parseFrame(fn).name}
      </span>
      {formatShare(total / (tree.total[0] || 1))}
      <button
        type="button"
        aria-label="Let go of this function"
        title="Let go of this function (Esc)"
        onClick={() => updateViewState({ fn: '' })}
      >
        <Icon name="close" />
      </button>
    </span>
  );
}

const NO_FRAMES: string[] = [];

/** The kinds of code that occur. */
function Legend({ frames }: { frames: string[] }) {
  const theme = useTheme();
  const deferred = useDeferredValue(frames, NO_FRAMES);
  const kinds = useMemo(() => {
    const present = new Set(deferred.map(frameKind));
    return FRAME_KINDS.filter((kind) => present.has(kind));
  }, [deferred]);
  return (
    <ul className={styles.legend} aria-label="Colours">
      {kinds.map((kind) => (
        <li key={kind}>
          <span className={styles.swatch} style={{ background: kindColour(kind, theme) }} />
          {kind === 'jit' ? 'JIT' : kind}
        </li>
      ))}
    </ul>
  );
}

const PANE_NAMES: Record<Pane, string> = { both: 'Both', graph: 'Graph', table: 'Table' };

function PaneSwitch() {
  const { pane } = useViewState();
  return (
    <fieldset className={styles.panes} aria-label="Layout">
      {PANES.map((one) => (
        <button
          key={one}
          type="button"
          aria-pressed={one === pane}
          onClick={() => updateViewState({ pane: one })}
        >
          {PANE_NAMES[one]}
        </button>
      ))}
    </fieldset>
  );
}
