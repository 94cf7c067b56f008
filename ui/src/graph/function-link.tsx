import { parseFrame } from '@bunsen/profile';
import { Icon } from '../components/icon.tsx';
import { PageLink } from '../url/page-link.tsx';
import { functionPath } from '../url/route.ts';
import { useLinkTo } from '../url/use-view-state.ts';
import type { ViewState } from '../url/view-state.ts';
import styles from './function-link.module.css';

/** The URL of a function's page. */
export function useFunctionUrl(): (fn: string, patch?: Partial<ViewState>) => string {
  const linkTo = useLinkTo();
  return (fn, patch) => {
    const { name, module } = parseFrame(fn);
    return linkTo(functionPath(name), { module, ...patch });
  };
}

/** To the page of a function, as `functionOfFrame` writes it; in a row it shows when the row is meant. */
export function FunctionLink({ fn }: { fn: string }) {
  const urlOf = useFunctionUrl();
  return (
    <PageLink className={styles.link} to={urlOf(fn)} title="Who calls it, and in which services">
      <Icon name="right" />
      <span className="visually-hidden">Page of {parseFrame(fn).name}</span>
    </PageLink>
  );
}
