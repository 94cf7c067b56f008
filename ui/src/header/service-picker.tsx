import { navigate } from 'wouter/use-browser-location';
import { useServices } from '../api/queries.ts';
import { Combobox, type Option } from '../components/combobox.tsx';
import { coresOf, formatCores, formatShare, formatValue, isCpuTime } from '../format/value.ts';
import type { TimeRange } from '../time/time-range.ts';
import { servicePath } from '../url/route.ts';
import { useLinkTo, useViewState } from '../url/use-view-state.ts';
import styles from './header.module.css';

/** The value of the option for all services together: no service is named by the empty text. */
const ALL = '';

/** @param service null on a page that shows no single service */
export function ServicePicker({ service, range }: { service: string | null; range: TimeRange }) {
  const { profileType } = useViewState();
  const { data } = useServices(profileType, range);
  const linkTo = useLinkTo();
  const services = data?.services ?? [];
  const unit = data?.unit ?? '';
  const sum = services.reduce((total, one) => total + one.total, 0);
  const amount = (total: number) =>
    isCpuTime(unit) ? formatCores(coresOf(total, range)) : formatValue(total, unit);
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
      label="Service"
      className={styles.service}
      placeholder="Choose a service"
      value={service}
      options={isListed ? options : [...options, { value: service, detail: 'no samples' }]}
      onPick={(picked) => navigate(linkTo(servicePath(picked)))}
    />
  );
}
