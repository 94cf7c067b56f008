import { useServices } from '../api/queries.ts';
import { Combobox, type Option } from '../components/combobox.tsx';
import { useAtRest } from '../components/use-at-rest.ts';
import { formatCost, formatShare } from '../format/value.ts';
import type { TimeRange } from '../time/time-range.ts';
import { useViewState } from '../url/use-view-state.ts';

/** The value of the option for all services together: no service is named by the empty text. */
const ALL = '';

/** @param service null on a page that shows no single service */
export function ServicePicker(props: {
  service: string | null;
  range: TimeRange;
  label?: string;
  className?: string | undefined;
  onPick: (service: string) => void;
}) {
  const { service, range } = props;
  const { profileType } = useViewState();
  const { data } = useServices(profileType, range, useAtRest());
  const services = data?.services ?? [];
  const unit = data?.unit ?? '';
  const sum = services.reduce((total, one) => total + one.total, 0);
  const amount = (total: number) => formatCost(total, unit, range);
  const options: Option[] = [
    { value: ALL, text: 'All services', ...(sum > 0 ? { detail: amount(sum) } : {}) },
    ...services.map((one) => ({
      value: one.service,
      detail: `${formatShare(one.total / sum)} · ${amount(one.total)}`,
      share: one.total / sum,
    })),
  ];
  const isListed = service === null || options.some((one) => one.value === service);
  return (
    <Combobox
      label={props.label ?? 'Service'}
      className={props.className}
      placeholder="Choose a service"
      value={service}
      options={isListed ? options : [...options, { value: service, detail: 'no samples' }]}
      onPick={props.onPick}
    />
  );
}
