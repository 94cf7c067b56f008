import { type Labels, parseProfileType } from '@bunsen/profile';
import type { QuerierService } from '@bunsen/proto/querier/v1/querier';
import type { ServiceImpl } from '@connectrpc/connect';
import { BunsenError } from '../errors.ts';
import {
  queryLabelNames,
  queryLabelSets,
  queryLabelValues,
  queryProfileTypes,
} from '../query/labels.ts';
import { TYPE_LABELS } from '../query/selection.ts';
import type { Store } from '../store/store.ts';
import {
  isOldName,
  queryOfMatchers,
  rangeOrLastHour,
  takesAnyName,
  warn,
} from './querier-request.ts';

type LabelMethods = 'profileTypes' | 'labelNames' | 'labelValues' | 'series';

/** What there is: the methods of `querier.v1.QuerierService` that menus are filled from. */
export function querierLabels(
  store: Store,
): Pick<ServiceImpl<typeof QuerierService>, LabelMethods> {
  return {
    async profileTypes(request, { signal }) {
      const { profileTypes } = await queryProfileTypes(store, rangeOrLastHour(request), { signal });
      return {
        profileTypes: profileTypes.map(({ id }) => ({ ID: id, ...parseProfileType(id) })),
      };
    },

    async labelNames(request, context) {
      const { signal } = context;
      const query = queryOfMatchers(request.matchers);
      const { labels } = await queryLabelNames(store, query, rangeOrLastHour(request), { signal });
      const names = labels.map(({ name }) => name);
      const all = names.length === 0 ? [] : [...names, ...TYPE_LABELS].sort();
      return { names: takesAnyName(context) ? all : all.filter(isOldName) };
    },

    async labelValues(request, context) {
      if (request.name === '') {
        throw new BunsenError('PARAMETER_INVALID', 'name is missing: give the name of a label');
      }
      const { signal } = context;
      const query = queryOfMatchers(request.matchers);
      const range = rangeOrLastHour(request);
      const found = await queryLabelValues(store, request.name, query, range, { signal });
      warn(context, found.warnings);
      return { names: found.values };
    },

    async series(request, context) {
      const { signal } = context;
      const query = queryOfMatchers(request.matchers);
      const names = [...new Set(request.labelNames)];
      const range = rangeOrLastHour(request);
      const found = await queryLabelSets(store, query, names, range, { signal });
      warn(context, found.warnings);
      const mayHave = takesAnyName(context) ? () => true : isOldName;
      const sets = new Map(
        found.labelSets.map((labels) => {
          const pairs = pairsOf(labels).filter(({ name }) => mayHave(name));
          return [JSON.stringify(pairs), { labels: pairs }];
        }),
      );
      return { labelsSet: [...sets.values()] };
    },
  };
}

/** Labels in the order of their names. */
export function pairsOf(labels: Labels): { name: string; value: string }[] {
  return Object.keys(labels)
    .sort()
    .map((name) => ({ name, value: labels[name] as string }));
}
