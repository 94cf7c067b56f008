// @grafana/flamegraph as a page would use it: graph and table.
import { createDataFrame, createTheme, FieldType } from '@grafana/data';
import { FlameGraph } from '@grafana/flamegraph';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';

const response = await fetch(new URLSearchParams(location.search).get('profile'));
const { names, label, level, value, self } = await response.json();
const numbers = (name, values) => ({
  name,
  values,
  type: FieldType.number,
  config: { unit: 'ns' },
});
const frame = createDataFrame({
  meta: { preferredVisualisationType: 'flamegraph' },
  fields: [
    {
      name: 'label',
      values: label,
      type: FieldType.enum,
      config: { type: { enum: { text: names } } },
    },
    numbers('level', level),
    numbers('value', value),
    numbers('self', self),
  ],
});
const theme = createTheme({ colors: { mode: 'light' } });
createRoot(document.getElementById('root')).render(
  createElement(FlameGraph, { data: frame, getTheme: () => theme, disableCollapsing: true }),
);
