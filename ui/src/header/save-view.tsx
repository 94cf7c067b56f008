import { lazy, Suspense } from 'react';
import { Icon } from '../components/icon.tsx';
import { Popover } from '../components/popover.tsx';
import styles from './header.module.css';

const SaveViewPanel = lazy(() => import('./save-view-panel.tsx'));

/** Gives what is shown a name. */
export function SaveView() {
  return (
    <div className={styles.save}>
      <Popover label="Save this view" align="end" trigger={<Icon name="star" />}>
        {(close) => (
          <Suspense fallback={null}>
            <SaveViewPanel close={close} />
          </Suspense>
        )}
      </Popover>
    </div>
  );
}
