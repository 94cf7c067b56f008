import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Icon } from '../components/icon.tsx';
import { Message } from '../components/message.tsx';
import { RequestError } from '../graph/flame-states.tsx';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import { parseViewState } from '../url/view-state.ts';
import styles from './adhoc-page.module.css';
import { openFile, useFiles } from './desk.ts';
import { FileBar } from './file-bar.tsx';
import { FileCompare, FileGraph } from './file-graph.tsx';
import { findFile, formatFileRef, LIVE, parseFileRef } from './file-ref.ts';
import { OpenButton } from './open-button.tsx';
import { fetchShared } from './sharing.ts';

/** Profiles of files, which are read in the browser and stay there; on their own, or against another. */
export default function AdhocPage() {
  const files = useFiles();
  const { file, against, shared } = useViewState();
  const shown = findFile(files, parseFileRef(file));
  const other = findFile(files, parseFileRef(against));
  const [problems, setProblems] = useState<string[]>([]);
  const [isOver, setIsOver] = useState(false);
  const [isReading, setIsReading] = useState(false);

  const open = async (list: Iterable<File>) => {
    setIsReading(true);
    const failed: string[] = [];
    for (const each of list) {
      try {
        const opened = await openFile(each);
        // What the URL asks for is not pushed aside by the other file that it asks for.
        const isAskedFor = [file, against].some((text) => parseFileRef(text)?.id === opened.id);
        const ref = formatFileRef({ id: opened.id, profile: 0 });
        const id = opened.shared?.id ?? '';
        if (!isAskedFor) updateViewState({ file: ref, shared: id, focus: '', fn: '' });
      } catch (error) {
        failed.push(`${each.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    setProblems(failed);
    setIsReading(false);
  };
  const fetched = useShared(shared);
  if (fetched.error) return <RequestError error={fetched.error} retry={fetched.retry} />;
  return (
    <main
      className={styles.page}
      data-over={isOver}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setIsOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setIsOver(false);
        void open(event.dataTransfer.files);
      }}
    >
      <h1 className="visually-hidden">Files</h1>
      {problems.map((problem) => (
        <p key={problem} className={styles.problem} role="alert">
          {problem}
        </p>
      ))}
      {shown && <FileBar files={files} shown={shown} open={open} />}
      {shown && against === '' && <FileGraph shown={shown} />}
      {shown && against === LIVE && <FileCompare shown={shown} other={null} />}
      {shown && other && <FileCompare shown={shown} other={other} />}
      {shown && against !== '' && against !== LIVE && !other && (
        <Message
          tone="plain"
          title="The other file is not open"
          text="Files stay in this tab and are gone when it is reloaded: drop it here again."
        />
      )}
      {!shown && (
        <Welcome open={open} isAskedFor={file !== ''} isReading={isReading || shared !== ''} />
      )}
    </main>
  );
}

/** Opens the shared file that the URL asks for, unless it is open. */
function useShared(id: string): { error: Error | null; retry: () => void } {
  const isOpen = useFiles().some(({ shared }) => shared?.id === id);
  const { error, refetch } = useQuery({
    queryKey: ['shared', id],
    queryFn: async ({ signal }) => {
      const { source, shared } = await fetchShared(id, signal);
      const opened = await openFile(source, shared);
      // The link says which kind of values. What was made a pprof of holds other bytes than before.
      const asked = parseFileRef(parseViewState(location.search).file)?.profile ?? 0;
      const profile = opened.profiles[asked] ? asked : 0;
      const file = formatFileRef({ id: opened.id, profile });
      updateViewState({ file }, { replace: true });
      return shared;
    },
    enabled: id !== '' && !isOpen,
    gcTime: 0,
  });
  return { error: id !== '' && !isOpen ? error : null, retry: () => void refetch() };
}

const FORMATS: [name: string, how: string][] = [
  ['pprof', 'go tool pprof, profilecli, Bunsen’s own export'],
  ['perf script', 'perf record -g, then perf script > out.txt'],
  ['folded text', 'stackcollapse-*.pl, py-spy, async-profiler'],
  ['.cpuprofile', 'Chrome DevTools, node --cpu-prof'],
  ['speedscope', 'rbspy, py-spy, speedscope itself'],
];

function Welcome(props: {
  open: (files: Iterable<File>) => void;
  /** The URL names a file that is not open here. */
  isAskedFor: boolean;
  isReading: boolean;
}) {
  return (
    <div className={styles.welcome}>
      <div className={styles.zone}>
        <Icon name="download" size={34} />
        <h2>{props.isReading ? 'Reading…' : 'Drop profiles here'}</h2>
        {props.isAskedFor && (
          <p className={styles.asked}>
            This link is about a file that is not open in this tab: drop it here to see it.
          </p>
        )}
        <OpenButton open={props.open} text="Choose files" />
        <p className={styles.promise}>
          They are read in this browser and sent nowhere, unless you share one. Gzipped or not; the
          bytes tell the format.
        </p>
      </div>
      <dl className={styles.formats}>
        {FORMATS.map(([name, how]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{how}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
