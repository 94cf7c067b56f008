import type { FlameLayout, Pointed } from '@bunsen/flame';
import { type FlameDiff, parseFrame } from '@bunsen/profile';
import { Fragment } from 'react';
import { relativeChange } from '../format/change.ts';
import { frameText } from '../graph/frame-facts.ts';
import tooltipStyles from '../graph/frame-tooltip.module.css';
import { TooltipBox } from '../graph/tooltip-box.tsx';
import { MEASURES, SCALES } from '../url/compare-state.ts';
import styles from './compare-tooltip.module.css';
import { diffScale } from './diff-scale.ts';

/** Both sides of the node that is pointed at, and what became of it. `node`: in the comparison. */
export function CompareTooltip(props: {
  diff: FlameDiff;
  layout: FlameLayout;
  node: number;
  pointed: Pointed;
}) {
  const { diff, layout, node, pointed } = props;
  const text = frameText(layout, pointed.node);
  const { name, module } = parseFrame(text);
  const [before, after] = [diff.tree.left, diff.tree.right];
  return (
    <TooltipBox pointed={pointed}>
      <div className={tooltipStyles.name}>{text === '' ? 'all' : name}</div>
      {module && <div className={tooltipStyles.module}>{module}</div>}
      <table className={styles.figures}>
        <thead>
          <tr>
            <td />
            <th scope="col">A</th>
            <th scope="col">B</th>
            <th scope="col">Change</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {MEASURES.toReversed().map((measure) => (
            <Fragment key={measure}>
              {SCALES.map((kind) => {
                const { weights, format, formatChange } = diffScale(kind, diff);
                const left = (before[measure][node] as number) * weights.left;
                const right = (after[measure][node] as number) * weights.right;
                return (
                  <tr key={kind}>
                    <th scope="row">{kind === 'share' ? MEASURE_NAMES[measure] : ''}</th>
                    <td>{format(left)}</td>
                    <td>{format(right)}</td>
                    <td>{formatChange(right - left)}</td>
                    <td>{relativeChange(left, right)}</td>
                  </tr>
                );
              })}
            </Fragment>
          ))}
        </tbody>
      </table>
    </TooltipBox>
  );
}

const MEASURE_NAMES = { self: 'Self', total: 'Total' };
