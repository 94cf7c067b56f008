import { Icon } from '../components/icon.tsx';
import { formatValue } from '../format/value.ts';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import { closeFile, type PageFile } from './desk.ts';
import styles from './file-bar.module.css';
import { findFile, formatFileRef, LIVE, parseFileRef } from './file-ref.ts';
import { OpenButton } from './open-button.tsx';
import { ShareButton } from './share-button.tsx';

type Found = NonNullable<ReturnType<typeof findFile>>;

/** Which file is shown, which of its values, and what they are compared with. */
export function FileBar(props: {
  files: readonly PageFile[];
  shown: Found;
  open: (files: Iterable<File>) => void;
}) {
  const { files, shown, open } = props;
  const { against } = useViewState();
  const refs = files.flatMap((file) =>
    file.profiles.map((profile, index) => ({
      ref: formatFileRef({ id: file.id, profile: index }),
      text: file.profiles.length === 1 ? file.name : `${file.name}: ${profile.name}`,
      detail: formatValue(profile.total, profile.unit),
    })),
  );
  const current = formatFileRef(shown.ref);
  const show = (ref: string) => {
    const shared = findFile(files, parseFileRef(ref))?.file.shared?.id ?? '';
    updateViewState({ file: ref, shared, against: against === ref ? '' : against, focus: '' });
  };
  return (
    <div className={styles.bar}>
      <label className={styles.choice}>
        File
        <select value={current} onChange={(event) => show(event.target.value)}>
          {refs.map(({ ref, text, detail }) => (
            <option key={ref} value={ref}>
              {text} ({detail})
            </option>
          ))}
        </select>
      </label>
      <span className={styles.format}>{shown.file.format}</span>
      <label className={styles.choice}>
        Compared with
        <select
          value={against}
          onChange={(event) => updateViewState({ against: event.target.value, focus: '' })}
        >
          <option value="">nothing</option>
          <option value={LIVE}>what the server has</option>
          {refs
            .filter(({ ref }) => ref !== current)
            .map(({ ref, text }) => (
              <option key={ref} value={ref}>
                {text}
              </option>
            ))}
        </select>
      </label>
      <span className={styles.end}>
        <ShareButton file={shown.file} />
        <OpenButton open={open} text="Open…" />
        <button
          type="button"
          title="Close this file"
          onClick={() => {
            closeFile(shown.file.id);
            const next = files.find(({ id }) => id !== shown.file.id);
            const ref = next ? formatFileRef({ id: next.id, profile: 0 }) : '';
            show(ref);
          }}
        >
          <Icon name="close" />
          <span className="visually-hidden">Close this file</span>
        </button>
      </span>
    </div>
  );
}
