import { Icon } from '../components/icon.tsx';
import { useClock } from '../time/range-context.tsx';
import { DEFAULT_COMPARE, earlierSide, type SideState } from '../url/compare-state.ts';
import { PageLink } from '../url/page-link.tsx';
import { COMPARE_PATH } from '../url/route.ts';
import { useLinkTo, useViewState } from '../url/use-view-state.ts';
import styles from './compare-link.module.css';
import type { Deploy } from './use-deploys.ts';

/** To what changed: the same service and labels, right before. */
export function CompareLink({ service }: { service: string }) {
  return (
    <PageLink
      className={styles.link}
      title="What changed against the time right before"
      to={useCompareUrl(service)}
    >
      <Icon name="compare" /> Compare with before
    </PageLink>
  );
}

/** To what a deploy changed. */
export function DeployLink({ deploy }: { deploy: Deploy }) {
  const { label, before, version, to } = deploy;
  return (
    <PageLink
      className={styles.link}
      title={`What changed from ${label} ${before} to ${version}`}
      to={to}
    >
      <Icon name="compare" />
      <span className={styles.version}>{before}</span> →{' '}
      <span className={styles.version}>{version}</span>
    </PageLink>
  );
}

/** The comparison of what the page is about with the time right before. */
export function useCompareUrl(service: string): string {
  const { filters, from, until } = useViewState();
  const { range, nowMs } = useClock();
  const linkTo = useLinkTo();
  if (!range) return linkTo(COMPARE_PATH);
  const right: SideState = { service, filters, from, until };
  const left = earlierSide(right, range.untilMs - range.fromMs, nowMs);
  return linkTo(COMPARE_PATH, { compare: { ...DEFAULT_COMPARE, left, right } });
}
