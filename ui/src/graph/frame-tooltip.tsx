import type { FlameLayout, Pointed } from '@bunsen/flame';
import { type FlameMeta, kindColour } from '@bunsen/profile';
import { useTheme } from '../theme.ts';
import { frameFacts } from './frame-facts.ts';
import styles from './frame-tooltip.module.css';
import { TooltipBox } from './tooltip-box.tsx';

/** All about the node that is pointed at, beside the pointer and always inside of the window. */
export function FrameTooltip(props: { layout: FlameLayout; meta: FlameMeta; pointed: Pointed }) {
  const { layout, meta, pointed } = props;
  const theme = useTheme();
  const facts = frameFacts(layout, meta, pointed.node);

  return (
    <TooltipBox pointed={pointed}>
      <div className={styles.name}>{facts.name}</div>
      {(facts.module || facts.kind) && (
        <div className={styles.module}>
          {facts.kind && (
            <span className={styles.swatch} style={{ background: kindColour(facts.kind, theme) }} />
          )}
          {facts.kind === 'other' ? 'small nodes, folded together' : facts.module || facts.kind}
          {facts.source && <span> · {facts.source}</span>}
        </div>
      )}
      <dl className={styles.figures}>
        <dt>Total</dt>
        <dd>{facts.total}</dd>
        <dd>{facts.totalShare}</dd>
        <dt>Self</dt>
        <dd>{facts.self}</dd>
        <dd>{facts.selfShare}</dd>
        {facts.cores && (
          <>
            <dt>Busy</dt>
            <dd className={styles.wide}>{facts.cores}</dd>
          </>
        )}
      </dl>
    </TooltipBox>
  );
}
