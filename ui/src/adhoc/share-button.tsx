import type { SharedFile } from '@bunsen/profile';
import { useEffect, useRef, useState } from 'react';
import { ApiError } from '../api/client.ts';
import { Icon } from '../components/icon.tsx';
import { Popover } from '../components/popover.tsx';
import { formatValue } from '../format/value.ts';
import { formatTime } from '../time/time-range.ts';
import { updateViewState } from '../url/use-view-state.ts';
import { markShared, type PageFile } from './desk.ts';
import styles from './share-button.module.css';
import { isSentAsItIs, shareFile, stopSharing } from './sharing.ts';

/** The one way by which a file leaves the browser: asked for, and told what it means. */
export function ShareButton({ file }: { file: PageFile }) {
  return (
    <Popover
      label="Share this file"
      align="end"
      trigger={
        <>
          <Icon name="share" /> {file.shared ? 'Shared' : 'Share…'}
        </>
      }
    >
      {(close) => (
        <div className={styles.panel}>
          {file.shared ? (
            <SharedLink file={file} shared={file.shared} />
          ) : (
            <Consent file={file} close={close} />
          )}
        </div>
      )}
    </Popover>
  );
}

function Consent({ file, close }: { file: PageFile; close: () => void }) {
  const [sending, setSending] = useState<AbortController | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const send = async () => {
    const controller = new AbortController();
    setSending(controller);
    setError(null);
    try {
      const shared = await shareFile(file, controller.signal);
      markShared(file.id, shared);
      updateViewState({ shared: shared.id }, { replace: true });
    } catch (caught) {
      if (!controller.signal.aborted) setError(caught as Error);
    }
    setSending(null);
  };
  const cancel = () => {
    sending?.abort();
    close();
  };
  return (
    <>
      <p>
        <strong className={styles.name}>{file.name}</strong> (
        {formatValue(file.source.size, 'bytes')}) will leave this browser:{' '}
        {isSentAsItIs(file)
          ? 'it is sent to this server as it is'
          : 'what was read of it is sent to this server, as a pprof'}
        . Whoever can reach this server can list and open it until it expires or is taken back.
      </p>
      <Problem error={error} />
      <div className={styles.actions}>
        <button type="button" onClick={cancel}>
          Cancel
        </button>
        <button
          type="button"
          className={styles.primary}
          disabled={sending !== null}
          onClick={() => void send()}
        >
          {sending ? 'Sending…' : 'Send it and make a link'}
        </button>
      </div>
    </>
  );
}

function Problem({ error }: { error: Error | null }) {
  return (
    error && (
      <p className={styles.error} role="alert">
        {error.message} {error instanceof ApiError && <code>{error.code}</code>}
      </p>
    )
  );
}

function SharedLink({ file, shared }: { file: PageFile; shared: SharedFile }) {
  const field = useRef<HTMLInputElement>(null);
  const [isStopping, setStopping] = useState(false);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => field.current?.select(), []);
  const stop = async () => {
    setStopping(true);
    try {
      await stopSharing(shared);
      markShared(file.id, null);
      updateViewState({ shared: '' }, { replace: true });
    } catch (caught) {
      setError(caught as Error);
      setStopping(false);
    }
  };
  return (
    <>
      <div className={styles.link}>
        <input ref={field} readOnly aria-label="Link to this file" value={location.href} />
        <button
          type="button"
          onClick={() => {
            field.current?.select();
            void navigator.clipboard?.writeText(location.href);
          }}
        >
          <Icon name="copy" /> Copy
        </button>
      </div>
      <p>
        The server has it until <strong>{formatTime(shared.expiresMs)}</strong>. The link shows what
        you see now: zoom, search and steps.
      </p>
      <Problem error={error} />
      <div className={styles.actions}>
        <button type="button" disabled={isStopping} onClick={() => void stop()}>
          {isStopping ? 'Deleting…' : 'Delete it from the server'}
        </button>
      </div>
    </>
  );
}
