import type { Matcher, MatchOperator } from '@bunsen/profile';
import { SERVICE_NAME } from '@bunsen/profile';
import { type FormEvent, useState } from 'react';
import { type Subject, selectorOf, useLabelNames, useLabelValues } from '../api/queries.ts';
import { Combobox } from '../components/combobox.tsx';
import { Icon } from '../components/icon.tsx';
import { Popover } from '../components/popover.tsx';
import type { TimeRange } from '../time/time-range.ts';
import styles from './label-filters.module.css';

const OPERATORS: { operator: MatchOperator; text: string }[] = [
  { operator: '=', text: '= is' },
  { operator: '!=', text: '!= is not' },
  { operator: '=~', text: '=~ matches' },
  { operator: '!~', text: '!~ matches not' },
];

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
                <FilterForm
                  filter={filter}
                  subject={subject}
                  range={range}
                  onDone={(matcher) => {
                    replace(index, matcher);
                    close();
                  }}
                />
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
          <FilterForm
            filter={{ name: '', operator: '=', value: '' }}
            subject={subject}
            range={range}
            onDone={(matcher) => {
              change([...filters, matcher]);
              close();
            }}
          />
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

function FilterForm(props: {
  filter: Matcher;
  subject: Subject;
  range: TimeRange;
  onDone: (filter: Matcher) => void;
}) {
  const { range, onDone } = props;
  const { service } = props.subject;
  const [filter, setFilter] = useState(props.filter);
  const query = selectorOf({ ...props.subject, filters: [] });
  const names = useLabelNames(query, range);
  const values = useLabelValues(filter.name, query, range);
  const isRegex = filter.operator === '=~' || filter.operator === '!~';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (filter.name !== '') onDone(filter);
  };
  const pick = (value: string) => {
    if (filter.name === '') setFilter({ ...filter, value });
    else if (value !== '') onDone({ ...filter, value });
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <Combobox
        label="Label"
        className={styles.nameField}
        placeholder="label"
        autoFocus={filter.name === ''}
        free="last"
        value={filter.name}
        options={(names.data?.labels ?? [])
          .filter(({ name }) => service === '' || name !== SERVICE_NAME)
          .map(({ name, values: count }) => ({ value: name, detail: String(count) }))}
        emptyText={names.isPending ? 'Loading…' : 'No labels in this range.'}
        onPick={(name) => setFilter({ ...filter, name, value: '' })}
      />
      <select
        aria-label="Operator"
        value={filter.operator}
        onChange={(event) =>
          setFilter({ ...filter, operator: event.target.value as MatchOperator })
        }
      >
        {OPERATORS.map(({ operator, text }) => (
          <option key={operator} value={operator}>
            {text}
          </option>
        ))}
      </select>
      <Combobox
        // A name that has just been chosen leads on to its values.
        key={filter.name}
        label="Value"
        className={styles.valueField}
        placeholder={isRegex ? 'regular expression' : 'value'}
        autoFocus={filter.name !== ''}
        free={isRegex ? 'first' : 'last'}
        value={filter.value}
        options={(values.data?.values ?? []).map((value) => ({ value }))}
        emptyText={
          filter.name === ''
            ? 'Choose a label first.'
            : values.isPending
              ? 'Loading…'
              : 'No values.'
        }
        onPick={pick}
      />
      <button type="submit" disabled={filter.name === ''}>
        Apply
      </button>
    </form>
  );
}
