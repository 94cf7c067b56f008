// How the text of an option becomes its value. Each throws an Error that says what it must be.
import { checkLabels, type Labels, SERVICE_NAME } from '@bunsen/profile';
import { labelNameOf, type PodLabel } from './label/pod-list.ts';
import type { EnvironmentLabel } from './label/series-labels.ts';
import { FEATURES, type Feature } from './sample/features.ts';

/** Which processes or control groups are sampled; everything if undefined. */
export interface Filter<T> {
  mode: 'include' | 'exclude';
  values: T[];
}

/** Labels that the agent gives itself, and what sets them. */
const OWN_LABELS: Record<string, string> = {
  host: 'BUNSEN_HOSTNAME sets it',
  pid: 'BUNSEN_LABEL_PID sets it',
  service_name: 'it is told by unit, container or executable',
  comm: 'it is the name of the thread',
  container_id: 'it is told by the control group',
};

export const text = (value: string): string => value;

export const optional = (value: string): string | undefined => value || undefined;

export function flag(value: string): boolean {
  if (value !== '0' && value !== '1') throw new Error('must be 0 or 1');
  return value === '1';
}

export const integer =
  (least: number, most: number) =>
  (value: string): number => {
    const number = Number(value);
    if (!Number.isInteger(number) || number < least || number > most) {
      throw new Error(`must be a whole number from ${least} to ${most}`);
    }
    return number;
  };

export function percent(value: string): number {
  const number = Number(value);
  if (!(number > 0 && number <= 100)) throw new Error('must be a number above 0, at most 100');
  return number;
}

export function httpUrl(value: string): string {
  if (!/^https?:\/\//.test(value) || !URL.canParse(value)) {
    throw new Error('must be a URL such as http://bunsen.internal:4040');
  }
  if (new URL(value).username) throw new Error('must not carry a user name or password');
  return value.replace(/\/+$/, '');
}

const items = (value: string) =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

export function featureList(value: string): Feature[] {
  return items(value).map((name) => {
    const feature = FEATURES.find((known) => known === name);
    if (!feature) throw new Error(`must be names out of ${FEATURES.join(', ')}`);
    return feature;
  });
}

export function labelList(value: string): Labels {
  const labels: Labels = {};
  for (const pair of items(value)) {
    const at = pair.indexOf('=');
    if (at < 1) throw new Error(`must be a list such as env=prod,zone=a; ${pair} has no =`);
    const name = pair.slice(0, at).trim();
    if (OWN_LABELS[name]) throw new Error(`must not have ${name}: ${OWN_LABELS[name]}`);
    labels[name] = pair.slice(at + 1).trim();
  }
  checkLabels(labels);
  return labels;
}

/** `VERSION,DD_VERSION:version`; a label's name is the variable's in small letters by default. */
export function environmentLabelList(value: string): EnvironmentLabel[] {
  return items(value).map((item) => {
    const [variable = '', label = variable.toLowerCase(), ...rest] = item.split(':');
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(variable) || rest.length > 0) {
      throw new Error(`must be a list such as VERSION,DD_VERSION:version; not ${item}`);
    }
    if (OWN_LABELS[label] && label !== SERVICE_NAME) {
      throw new Error(`must not set ${label}: ${OWN_LABELS[label]}`);
    }
    checkLabels({ [label]: '' });
    return { variable, label };
  });
}

/** `team,app.kubernetes.io/name:app`; by default with `_` for what a label's name cannot hold. */
export function podLabelList(value: string): PodLabel[] {
  return items(value).map((item) => {
    const [podLabel = '', label = labelNameOf(podLabel), ...rest] = item.split(':');
    if (podLabel === '' || rest.length > 0) {
      throw new Error(`must be a list such as team,app.kubernetes.io/name:app; not ${item}`);
    }
    if (OWN_LABELS[label] && label !== SERVICE_NAME) {
      throw new Error(`must not set ${label}: ${OWN_LABELS[label]}`);
    }
    checkLabels({ [label]: '' });
    return { podLabel, label };
  });
}

/** A path, or undefined for `word`. */
export const pathOr =
  (word: string) =>
  (value: string): string | undefined =>
    value === word ? undefined : value;

export const filter =
  <T>(parse: (item: string) => T) =>
  (value: string): Filter<T> | undefined => {
    if (value === '') return undefined;
    const exclude = value.startsWith('!');
    const list = (exclude ? value.slice(1) : value).split(',');
    return {
      mode: exclude ? 'exclude' : 'include',
      values: list.map((item) => parse(item.trim())),
    };
  };

export function cgroupId(item: string): bigint {
  if (!/^\d+$/.test(item)) throw new Error('must be a list of cgroup ids (inode numbers)');
  return BigInt(item);
}

export function address(value: string): { host: string; port: number } | undefined {
  if (value === 'off') return undefined;
  const at = value.lastIndexOf(':');
  if (at < 1) throw new Error('must be host:port, or off');
  return {
    host: value.slice(0, at).replace(/^\[(.*)\]$/, '$1'),
    port: integer(0, 65535)(value.slice(at + 1)),
  };
}
