import { useVersions } from '../api/use-versions.ts';
import { labelBaseline } from '../compare/baselines.ts';
import { useAtRest } from '../components/use-at-rest.ts';
import { useClock, useRange } from '../time/range-context.tsx';
import { DEFAULT_COMPARE, type SideState } from '../url/compare-state.ts';
import { COMPARE_PATH } from '../url/route.ts';
import { useLinkTo, useViewState } from '../url/use-view-state.ts';

/** A version that came after another one. */
export interface Deploy {
  /** What the label is called that has them. */
  label: string;
  version: string;
  before: string;
  /** When it began; null: it was there already when the range begins. */
  fromMs: number | null;
  /** Where the two are compared. */
  to: string;
}

/** The deploys of a service within the range of the page, the newest first. None without a service. */
export function useDeploys(service: string): Deploy[] {
  const { profileType, filters, from, until } = useViewState();
  const { nowMs } = useClock();
  const range = useRange();
  const linkTo = useLinkTo();
  const subject = { profileType, service, filters: [] };
  const { data } = useVersions(subject, range, { enabled: useAtRest() && service !== '' });
  if (!data) return [];
  const { label, values } = data;
  const side: SideState = { service, filters, from, until };
  return values.slice(0, -1).map(({ value, fromMs }, index) => {
    const before = values[index + 1]?.value ?? '';
    const pair = { left: before, right: value };
    const { left, right } = labelBaseline({ left: side, right: side }, label, pair, nowMs);
    const to = linkTo(COMPARE_PATH, { compare: { ...DEFAULT_COMPARE, left, right } });
    return { label, version: value, before, fromMs, to };
  });
}
