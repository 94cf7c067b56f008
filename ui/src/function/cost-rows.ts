import type { FunctionCostsResponse } from '@bunsen/profile';

export interface Cost {
  self: number;
  total: number;
  /** Of all functions. */
  whole: number;
}

/** What a function costs in a service, and in each of its versions. */
export interface ServiceCost {
  service: string;
  cost: Cost;
  /** The largest first; empty if its series have no label of that kind. */
  versions: { version: string; cost: Cost }[];
}

/** The services, in the order of the answer: the largest first. */
export function serviceCosts(costs: FunctionCostsResponse['costs']): ServiceCost[] {
  const services = new Map<string, ServiceCost>();
  for (const { service, version, ...cost } of costs) {
    let row = services.get(service);
    if (!row) {
      row = { service, cost: { self: 0, total: 0, whole: 0 }, versions: [] };
      services.set(service, row);
    }
    row.cost.self += cost.self;
    row.cost.total += cost.total;
    row.cost.whole += cost.whole;
    row.versions.push({ version, cost });
  }
  const rows = [...services.values()];
  for (const row of rows) {
    if (row.versions.every(({ version }) => version === '')) row.versions = [];
  }
  return rows;
}
