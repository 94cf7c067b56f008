import type { RefObject } from 'react';
import { Icon } from '../components/icon.tsx';
import { Popover } from '../components/popover.tsx';
import { useViewState } from '../url/use-view-state.ts';
import { download, fileName } from './download.ts';
import styles from './export-menu.module.css';
import type { FlamePicture } from './flame-view.tsx';

const FORMATS = [
  { format: 'pprof', text: 'pprof', detail: 'for go tool pprof and others' },
  { format: 'speedscope', text: 'speedscope', detail: 'JSON' },
  { format: 'svg', text: 'SVG', detail: 'flame graph' },
  { format: 'dot', text: 'DOT', detail: 'call graph for Graphviz' },
] as const;

/** What the server makes files of. */
export type ExportFormat = (typeof FORMATS)[number]['format'];

/** Takes what is shown along: as it is in the browser, and whole from the server. */
export function ExportMenu(props: {
  /** The first part of the files' names. */
  name: string;
  fromMs: number;
  picture: RefObject<FlamePicture | null>;
  folded: () => string[];
  exportUrl?: ((format: ExportFormat) => string) | undefined;
}) {
  const { name, fromMs, picture, folded, exportUrl } = props;
  const { pane } = useViewState();
  const savePicture = () =>
    picture.current?.picture()?.toBlob((blob) => {
      if (blob) download(blob, fileName(name, fromMs, 'png'));
    });
  const saveFolded = () =>
    download(new Blob(folded(), { type: 'text/plain' }), fileName(name, fromMs, 'folded.txt'));
  return (
    <Popover
      label="Export"
      align="end"
      triggerClass={styles.trigger}
      trigger={
        <>
          <Icon name="download" />
          <span className={styles.text}>Save</span>
        </>
      }
    >
      {(close) => {
        const then = (action: () => void) => () => {
          action();
          close();
        };
        return (
          <ul className={styles.list}>
            {pane !== 'table' && (
              <li>
                <button type="button" onClick={then(savePicture)}>
                  PNG <span>what is in sight, all levels</span>
                </button>
              </li>
            )}
            <li>
              <button type="button" onClick={then(saveFolded)}>
                Folded text <span>what is loaded</span>
              </button>
            </li>
            {exportUrl &&
              FORMATS.map(({ format, text, detail }) => (
                <li key={format}>
                  <a href={exportUrl(format)} download onClick={close}>
                    {text} <span>{detail}</span>
                  </a>
                </li>
              ))}
          </ul>
        );
      }}
    </Popover>
  );
}
