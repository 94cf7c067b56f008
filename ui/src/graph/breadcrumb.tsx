import { type FlameLayout, pathTo } from '@bunsen/flame';
import { parseFrame, shortName } from '@bunsen/profile';
import { Icon } from '../components/icon.tsx';
import styles from './breadcrumb.module.css';
import { frameText } from './frame-facts.ts';

/** Callers that are shown beside the frame itself: a deep stack would push it out of sight. */
const SHOWN_CALLERS = 3;

/** Where the graph is zoomed to, and the way back. Nothing while it shows everything. */
export function Breadcrumb(props: {
  layout: FlameLayout;
  focus: number;
  onZoom: (node: number) => void;
}) {
  const { layout, focus, onZoom } = props;
  if (focus === 0) return null;
  const path = pathTo(layout, focus);
  const callers = path.slice(1, -1);
  const shown = callers.slice(-SHOWN_CALLERS);
  const { name } = parseFrame(frameText(layout, focus));
  return (
    <nav className={styles.breadcrumb} aria-label="Zoomed to">
      <button type="button" onClick={() => onZoom(0)} title="Show everything (0)">
        all
      </button>
      {callers.length > shown.length && (
        <span className={styles.skipped}>
          <Icon name="right" /> {callers.length - shown.length} more
        </span>
      )}
      {shown.map((node) => {
        const caller = parseFrame(frameText(layout, node)).name;
        return (
          <span key={node} className={styles.step}>
            <Icon name="right" />
            <button type="button" title={caller} onClick={() => onZoom(node)}>
              <span className={styles.text}>{shortName(caller)}</span>
            </button>
          </span>
        );
      })}
      <span className={styles.step} data-current="true">
        <Icon name="right" />
        <strong className={styles.text} title={name}>
          {name}
        </strong>
      </span>
      <button
        type="button"
        aria-label="Copy name"
        title="Copy name"
        onClick={() => void navigator.clipboard?.writeText(name)}
      >
        <Icon name="copy" />
      </button>
      <button
        type="button"
        aria-label="Show everything"
        title="Show everything (0)"
        onClick={() => onZoom(0)}
      >
        <Icon name="close" />
      </button>
    </nav>
  );
}
