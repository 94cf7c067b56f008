import { useVersions } from '../api/use-versions.ts';
import { labelBaseline } from '../compare/baselines.ts';
import { Icon } from '../components/icon.tsx';
import { useClock, useRange } from '../time/range-context.tsx';
import { DEFAULT_COMPARE, earlierSide, type SideState } from '../url/compare-state.ts';
import { PageLink } from '../url/page-link.tsx';
import { COMPARE_PATH } from '../url/route.ts';
import { useLinkTo, useViewState } from '../url/use-view-state.ts';
import styles from './compare-link.module.css';

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

/** To what the last deploy changed: the newest version against the one before. Nothing without two. */
export function DeployLink({ service }: { service: string }) {
  const { profileType, filters, from, until } = useViewState();
  const { nowMs } = useClock();
  const range = useRange();
  const linkTo = useLinkTo();
  const { data } = useVersions({ profileType, service, filters: [] }, range);
  const [newest, before] = data?.values ?? [];
  if (!data || !newest || !before) return null;
  const side: SideState = { service, filters, from, until };
  const values = { left: before, right: newest };
  const { left, right } = labelBaseline({ left: side, right: side }, data.label, values, nowMs);
  return (
    <PageLink
      className={styles.link}
      title={`What changed from ${data.label} ${before} to ${newest}`}
      to={linkTo(COMPARE_PATH, { compare: { ...DEFAULT_COMPARE, left, right } })}
    >
      <Icon name="compare" />
      <span className={styles.version}>{before}</span> →{' '}
      <span className={styles.version}>{newest}</span>
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
