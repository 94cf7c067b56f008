import { type FormEvent, useState } from 'react';
import { type Subject, selectorOf } from '../api/flame-requests.ts';
import { useLabelNames, useLabelValues } from '../api/queries.ts';
import { Combobox } from '../components/combobox.tsx';
import type { TimeRange } from '../time/time-range.ts';
import styles from './label-choice.module.css';

/** Two values of one label. */
export function LabelChoice(props: {
  subject: Subject;
  range: TimeRange;
  onDone: (label: string, values: { left: string; right: string }) => void;
}) {
  const { range, onDone } = props;
  const [label, setLabel] = useState('');
  const [left, setLeft] = useState('');
  const [right, setRight] = useState('');
  const query = selectorOf(props.subject);
  const names = useLabelNames(query, range);
  const values = useLabelValues(label, query, range);
  const options = (values.data?.values ?? []).map((value) => ({ value }));
  const emptyText = label === '' ? 'Choose a label first.' : 'No values.';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (label && left && right) onDone(label, { left, right });
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <Combobox
        label="Label"
        placeholder="label"
        autoFocus
        value={label}
        options={(names.data?.labels ?? [])
          .filter((one) => one.values > 1)
          .map((one) => ({ value: one.name, detail: String(one.values) }))}
        emptyText={names.isPending ? 'Loading…' : 'No label has two values in this range.'}
        onPick={(name) => {
          setLabel(name);
          setLeft('');
          setRight('');
        }}
      />
      <Combobox
        label="Value of A"
        placeholder="value of A"
        value={left}
        options={options}
        emptyText={emptyText}
        onPick={setLeft}
      />
      <Combobox
        label="Value of B"
        placeholder="value of B"
        value={right}
        options={options}
        emptyText={emptyText}
        onPick={setRight}
      />
      <button type="submit" disabled={!label || !left || !right}>
        Compare
      </button>
    </form>
  );
}
