import { formatFrame, shortName } from '@bunsen/profile';
import { selectorOf } from '../api/flame-requests.ts';
import { useTopFunctions } from '../api/queries.ts';
import { formatAmount, formatShare, isCpuTime } from '../format/value.ts';
import { useFunctionUrl } from '../graph/function-link.tsx';
import { useRange } from '../time/range-context.tsx';
import { PageLink } from '../url/page-link.tsx';
import { useViewState } from '../url/use-view-state.ts';
import styles from './top-functions.module.css';

const LISTED = 50;

/** The functions that cost most in all services together: a library's may lead in none and yet here. */
export function TopFunctions() {
  const { profileType, filters } = useViewState();
  const range = useRange();
  const urlOf = useFunctionUrl();
  const query = selectorOf({ profileType, service: '', filters });
  const { data, error } = useTopFunctions(query, range, LISTED);
  const functions = data?.functions.filter(({ self }) => self > 0) ?? [];
  const largest = functions[0]?.self ?? 1;
  return (
    <section className={styles.functions} aria-label="Busiest functions">
      <h2 className={styles.title}>Busiest functions</h2>
      <div className={styles.list}>
        {error && <p className={styles.note}>{error.message}</p>}
        {data && functions.length === 0 && <p className={styles.note}>None in this range.</p>}
        {data && functions.length > 0 && (
          <table className={styles.table} aria-label="Busiest functions">
            <thead>
              <tr>
                <th scope="col">Function</th>
                <th scope="col">{isCpuTime(data.unit) ? 'Cores' : 'Self'}</th>
                <th scope="col">Share</th>
              </tr>
            </thead>
            <tbody>
              {functions.map(({ name, module, self }) => (
                <tr key={`${name}\n${module}`}>
                  <td className={styles.function}>
                    <span className={styles.bar} style={{ width: `${(self / largest) * 100}%` }} />
                    <PageLink
                      to={urlOf(formatFrame({ name, module }))}
                      title={module ? `${name}\n${module}` : name}
                    >
                      <span className={styles.name}>{shortName(name)}</span>
                      <span className={styles.module}>{module}</span>
                    </PageLink>
                  </td>
                  <td>{formatAmount(self, data.unit, data)}</td>
                  <td>{formatShare(self / data.total)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
    </section>
  );
}
