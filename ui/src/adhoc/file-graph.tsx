import { wholeOf } from '@bunsen/flame';
import { API } from '@bunsen/profile';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getBytes } from '../api/client.ts';
import { selectorOf } from '../api/flame-requests.ts';
import { ComparePanel } from '../compare/compare-panel.tsx';
import { SidePicker } from '../compare/side-picker.tsx';
import { Message } from '../components/message.tsx';
import { FlamePanel } from '../graph/flame-panel.tsx';
import { FlameResult } from '../graph/flame-result.tsx';
import { ProfileTypePicker } from '../header/header.tsx';
import { useClock, useRange } from '../time/range-context.tsx';
import { resolveRange } from '../time/time-range.ts';
import { useViewState } from '../url/use-view-state.ts';
import { diffOf, flameOf } from './desk.ts';
import styles from './file-graph.module.css';
import { type findFile, formatFileRef } from './file-ref.ts';

type Found = NonNullable<ReturnType<typeof findFile>>;

/** The flame graph of a file. */
export function FileGraph({ shown }: { shown: Found }) {
  const { maxNodes } = useViewState();
  const queryKey = ['file', formatFileRef(shown.ref), maxNodes];
  const result = useQuery({
    queryKey,
    queryFn: () => flameOf(shown.ref, maxNodes),
    placeholderData: keepPreviousData,
    structuralSharing: false,
    gcTime: 60_000,
  });
  return (
    <div className={styles.content}>
      <FlameResult
        result={{ ...result, receivedBytes: 0, queryKey }}
        isEmpty={({ layout }) => wholeOf(layout) === 0}
        empty={() => <Message tone="plain" title="The file has no samples" />}
      >
        {(flame, isStale) => <FlamePanel flame={flame} isStale={isStale} name={shown.file.name} />}
      </FlameResult>
    </div>
  );
}

/** A file (B) against another, or against what the server has (A, where `other` is null). */
export function FileCompare({ shown, other }: { shown: Found; other: Found | null }) {
  const { maxNodes } = useViewState();
  const live = useLive();
  const pageRange = useRange();
  const queryKey = other
    ? ['files', formatFileRef(other.ref), formatFileRef(shown.ref), maxNodes]
    : ['files', live.params, formatFileRef(shown.ref), maxNodes];
  const result = useQuery({
    queryKey,
    queryFn: async ({ signal }) => {
      if (other) return diffOf(other.ref, shown.ref, maxNodes);
      const bytes = await getBytes(API.pprof, live.params, '*/*', signal, () => undefined);
      return diffOf({ pprof: bytes }, shown.ref, maxNodes);
    },
    placeholderData: keepPreviousData,
    structuralSharing: false,
    gcTime: 60_000,
    enabled: other !== null || live.range !== null,
  });
  const unit = other?.profile.unit ?? live.unit;
  return (
    <>
      {other ? (
        <p className={styles.sides}>
          A: {other.file.name} · B: {shown.file.name}
        </p>
      ) : (
        <div className={styles.live}>
          <ProfileTypePicker range={live.range ?? pageRange} />
          <SidePicker letter="A" side="left" range={live.range} />
          <span className={styles.sides}>B: {shown.file.name}</span>
        </div>
      )}
      {unit !== shown.profile.unit && (
        <p className={styles.note}>
          A is in {unit}, B in {shown.profile.unit}: only what each spends its own total on can be
          compared.
        </p>
      )}
      <div className={styles.content}>
        <FlameResult
          result={{ ...result, receivedBytes: 0, queryKey }}
          isEmpty={({ tree }) => !tree.left.total[0] && !tree.right.total[0]}
          empty={() => <Message tone="plain" title="Neither side has samples" />}
        >
          {(diff, isStale) => (
            <ComparePanel
              diff={diff}
              isStale={isStale}
              name={shown.file.name}
              onlyShares={
                unit !== shown.profile.unit ||
                [diff.meta.left, diff.meta.right].some(({ fromMs, untilMs }) => untilMs <= fromMs)
              }
            />
          )}
        </FlameResult>
      </div>
    </>
  );
}

/** The server's side: what the URL has as side A of a comparison. */
function useLive() {
  const { profileType, compare } = useViewState();
  const { nowMs } = useClock();
  const resolved = resolveRange(compare.left.from, compare.left.until, nowMs);
  const range = 'error' in resolved ? null : resolved;
  return {
    range,
    unit: profileType.split(':')[2] ?? '',
    params: {
      query: selectorOf({ ...compare.left, profileType }),
      from: range?.fromMs ?? 0,
      until: range?.untilMs ?? 0,
    },
  };
}
