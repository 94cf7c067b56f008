import { type LabelNamesResponse, SERVICE_NAME } from '@bunsen/profile';
import { useLabelNames } from '../api/queries.ts';
import { Combobox } from '../components/combobox.tsx';
import type { TimeRange } from '../time/time-range.ts';
import { updateViewState, useViewState } from '../url/use-view-state.ts';
import styles from './label-picker.module.css';

/** Labels that tell most, in the order in which they are looked for. */
const PREFERRED = ['host', 'version', 'pod', SERVICE_NAME];

/**
 * The label by which a page tells series apart: the one of the URL, else the first that tells any
 * apart. `label` is undefined until labels are known.
 */
export function useLabel(
  query: string,
  range: TimeRange,
): { label: string | undefined; error: Error | null } {
  const { label } = useViewState();
  const { data, error } = useLabelNames(query, range);
  if (label !== '') return { label, error: null };
  return { label: data && tellingLabel(data), error };
}

function tellingLabel(data: LabelNamesResponse): string {
  const telling = data.labels.filter(({ values }) => values > 1).map(({ name }) => name);
  const all = data.labels.map(({ name }) => name);
  const preferred = (names: string[]) => PREFERRED.find((name) => names.includes(name));
  return preferred(telling) ?? telling[0] ?? preferred(all) ?? SERVICE_NAME;
}

/** Chooses that label. */
export function LabelPicker(props: { label: string; query: string; range: TimeRange }) {
  const { data } = useLabelNames(props.query, props.range);
  const options = (data?.labels ?? []).map(({ name, values }) => ({
    value: name,
    detail: `${values} ${values === 1 ? 'value' : 'values'}`,
  }));
  return (
    <div className={styles.picker}>
      <span aria-hidden="true">By</span>
      <Combobox
        label="By label"
        className={styles.field}
        value={props.label}
        options={options}
        emptyText="No labels in this range."
        onPick={(label) => updateViewState({ label, box: null, focus: '' })}
      />
    </div>
  );
}
