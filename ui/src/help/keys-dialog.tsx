import { Dialog } from '../components/dialog.tsx';
import styles from './keys-dialog.module.css';

const GROUPS: { title: string; keys: [keys: string[], text: string][] }[] = [
  {
    title: 'Everywhere',
    keys: [
      [['Ctrl', 'K'], 'Go to a service or a function'],
      [['?'], 'This list'],
    ],
  },
  {
    title: 'Flame graph',
    keys: [
      [['/'], 'Search functions and modules'],
      [['↑', '↓', '←', '→'], 'Walk through the graph, once it has the focus'],
      [['Enter'], 'Zoom to the frame'],
      [['0'], 'Show everything'],
      [['c'], 'Copy the name that is pointed at'],
      [['Esc'], 'Let go: of the search, the picked function, the zoom'],
      [['Ctrl', 'wheel'], 'Zoom'],
      [['Shift', 'wheel'], 'Move sideways'],
    ],
  },
  {
    title: 'Heatmap',
    keys: [
      [['↑', '↓', '←', '→'], 'Walk through its cells, once it has the focus'],
      [['Shift', '→'], 'Make a rectangle'],
      [['Enter'], 'Pick the cell or the rectangle'],
      [['Esc'], 'Let go of it'],
    ],
  },
  {
    title: 'Comparison',
    keys: [
      [['d'], 'Both sides'],
      [['a'], 'Only A'],
      [['b'], 'Only B'],
    ],
  },
];

/** What the keys do. */
export default function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog label="Keys" onClose={onClose}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by key */}
      <div className={styles.keys} tabIndex={0}>
        {GROUPS.map(({ title, keys }) => (
          <section key={title}>
            <h2>{title}</h2>
            <dl>
              {keys.map(([combination, text]) => (
                <div key={text}>
                  <dt>
                    {combination.map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{text}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
