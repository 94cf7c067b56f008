import type { TimeRange } from '../time/time-range.ts';
import { PageLink } from '../url/page-link.tsx';
import styles from './marks.module.css';

/** A moment on a timeline, and where it leads. */
export interface TimelineMark {
  atMs: number;
  text: string;
  title: string;
  to: string;
}

/** Nearer to the next one than this share of the range, a mark has no room for its text. */
const ROOM_FOR_TEXT = 0.07;

/** Lines with flags over a chart's plot, each a link. Drags go through to the chart. */
export function Marks({ marks, range }: { marks: TimelineMark[]; range: TimeRange }) {
  const placed = marks
    .map((mark) => ({ mark, at: (mark.atMs - range.fromMs) / (range.untilMs - range.fromMs) }))
    .filter(({ at }) => at > 0 && at < 1)
    .sort((a, b) => a.at - b.at);
  return (
    <div className={styles.marks}>
      {placed.map(({ mark, at }, index) => (
        <div key={mark.atMs + mark.text} className={styles.mark} style={{ left: `${at * 100}%` }}>
          <PageLink className={styles.flag} title={mark.title} to={mark.to}>
            {(placed[index + 1]?.at ?? 1) - at < ROOM_FOR_TEXT ? (
              <span className="visually-hidden">{mark.text}</span>
            ) : (
              mark.text
            )}
          </PageLink>
        </div>
      ))}
    </div>
  );
}
