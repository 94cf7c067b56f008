import { type Matcher, type MatchOperator, SERVICE_NAME } from '@bunsen/profile';
import { type FormEvent, useState } from 'react';
import { type Subject, selectorOf } from '../api/flame-requests.ts';
import { useLabelNames, useLabelValues } from '../api/queries.ts';
import { Combobox } from '../components/combobox.tsx';
import type { TimeRange } from '../time/time-range.ts';
import styles from './filter-form.module.css';

const OPERATORS: { operator: MatchOperator; text: string }[] = [
  { operator: '=', text: '= is' },
  { operator: '!=', text: '!= is not' },
  { operator: '=~', text: '=~ matches' },
  { operator: '!~', text: '!~ matches not' },
];

/** One condition on a label. */
export default function FilterForm(props: {
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
