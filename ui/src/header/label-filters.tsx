import type { Matcher } from '@bunsen/profile';
import { lazy, Suspense } from 'react';
import type { Subject } from '../api/flame-requests.ts';
import { Icon } from '../components/icon.tsx';
import { Popover } from '../components/popover.tsx';
import type { TimeRange } from '../time/time-range.ts';
import styles from './label-filters.module.css';

const FilterForm = lazy(() => import('./filter-form.tsx'));

/** The conditions on labels, one pill each; a click on one edits it. */
export function LabelFilters(props: {
  subject: Subject;
  range: TimeRange;
  onChange: (filters: Matcher[]) => void;
}) {
  const { subject, range } = props;
  const { filters } = subject;
  const change = (next: Matcher[]) => props.onChange(distinct(next));
  const replace = (index: number, matcher: Matcher) =>
    change(filters.map((filter, i) => (i === index ? matcher : filter)));
  return (
    <>
      {filters.map((filter, index) => {
        const text = `${filter.name} ${filter.operator} ${filter.value || '""'}`;
        return (
          <div key={text} className={styles.pill}>
            <Popover
              label="Edit the condition"
              triggerClass={styles.edit}
              trigger={
                <>
                  <span className={styles.name}>{filter.name}</span>
                  <span className={styles.operator}>{filter.operator}</span>
                  <span className={styles.value}>{filter.value || '""'}</span>
                </>
              }
            >
              {(close) => (
                <Suspense fallback={null}>
                  <FilterForm
                    filter={filter}
                    subject={subject}
                    range={range}
                    onDone={(matcher) => {
                      replace(index, matcher);
                      close();
                    }}
                  />
                </Suspense>
              )}
            </Popover>
            <button
              type="button"
              className={styles.remove}
              aria-label={`Remove ${text}`}
              title="Remove"
              onClick={() => change(filters.filter((_, i) => i !== index))}
            >
              <Icon name="close" />
            </button>
          </div>
        );
      })}
      <Popover
        label="Add a condition"
        triggerClass={styles.add}
        trigger={
          <>
            <Icon name="plus" /> Label
          </>
        }
      >
        {(close) => (
          <Suspense fallback={null}>
            <FilterForm
              filter={{ name: '', operator: '=', value: '' }}
              subject={subject}
              range={range}
              onDone={(matcher) => {
                change([...filters, matcher]);
                close();
              }}
            />
          </Suspense>
        )}
      </Popover>
    </>
  );
}

/** Without repetitions: a condition that is there twice says nothing more. */
function distinct(filters: Matcher[]): Matcher[] {
  return filters.filter(
    (one, index) =>
      filters.findIndex(
        (other) =>
          other.name === one.name && other.operator === one.operator && other.value === one.value,
      ) === index,
  );
}
