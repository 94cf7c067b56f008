import { Icon } from '../components/icon.tsx';
import { useClock, useRange } from '../time/range-context.tsx';
import { DEFAULT_COMPARE, earlierSide, type SideState } from '../url/compare-state.ts';
import { PageLink } from '../url/page-link.tsx';
import { COMPARE_PATH } from '../url/route.ts';
import { useLinkTo, useViewState } from '../url/use-view-state.ts';
import styles from './compare-link.module.css';

/** To what changed: the same service and labels, right before. */
export function CompareLink({ service }: { service: string }) {
  const { filters, from, until } = useViewState();
  const { fromMs, untilMs } = useRange();
  const { nowMs } = useClock();
  const linkTo = useLinkTo();
  const right: SideState = { service, filters, from, until };
  const left = earlierSide(right, untilMs - fromMs, nowMs);
  return (
    <PageLink
      className={styles.link}
      title="What changed against the time right before"
      to={linkTo(COMPARE_PATH, { compare: { ...DEFAULT_COMPARE, left, right } })}
    >
      <Icon name="compare" /> Compare with before
    </PageLink>
  );
}
