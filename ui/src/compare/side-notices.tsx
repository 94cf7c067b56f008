import type { FlameDiff } from '@bunsen/profile';
import styles from '../graph/flame-states.module.css';

/** Says that one side is empty: then all of the other is new or gone, which means nothing. */
export function SideNotices({ diff: { tree } }: { diff: FlameDiff }) {
  const empty = !tree.left.total[0] ? 'A' : !tree.right.total[0] ? 'B' : null;
  if (!empty) return null;
  return (
    <p className={styles.notice} data-tone="warn">
      {empty} has no samples in its range: everything is {empty === 'A' ? 'new' : 'gone'}. Choose
      another time or other labels for it.
    </p>
  );
}
