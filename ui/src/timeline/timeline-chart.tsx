import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatValue, roundNumber } from '../format/value.ts';
import { useTheme } from '../theme.ts';
import { tickText } from '../time/ticks.ts';
import type { TimeRange } from '../time/time-range.ts';
import { type StackedSeries, seriesColour } from './stack-series.ts';

/** A drag shorter than this is a click. CSS pixels. */
const MIN_BRUSH = 4;

/** Round numbers of bytes, for an axis. */
const POWERS_OF_TWO = Array.from({ length: 60 }, (_, exponent) => 2 ** exponent);

/** The chart itself. A module of its own, since uPlot is fetched only once there is data to draw. */
export default function TimelineChart(props: {
  data: StackedSeries;
  /** A line to compare the top of the stack with; null for none. */
  before: (number | null)[] | null;
  /** How many of the series have a colour of their own. */
  maxSeries: number;
  range: TimeRange;
  height: number;
  onBrush: (range: TimeRange) => void;
  /** The step that the pointer is at; null for none. */
  onStep: (index: number | null) => void;
}) {
  const { data, before, maxSeries, range, height } = props;
  const host = useRef<HTMLDivElement>(null);
  const handlers = useRef(props);
  handlers.current = props;
  const theme = useTheme();

  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of theme changes what colourOf finds
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const chart = new uPlot(
      optionsFor(element, data, before !== null, maxSeries, range, height, {
        onBrush: (brushed) => handlers.current.onBrush(brushed),
        onStep: (index) => handlers.current.onStep(index),
      }),
      // Drawn from the top of the stack down, so that each area covers the rest of the one above.
      [data.timesS, ...data.stacked.toReversed(), ...(before ? [before] : [])] as uPlot.AlignedData,
      element,
    );
    const resize = new ResizeObserver(() =>
      chart.setSize({ width: element.clientWidth, height: chart.height }),
    );
    resize.observe(element);
    return () => {
      resize.disconnect();
      chart.destroy();
    };
  }, [data, before, maxSeries, range, height, theme]);
  return <div ref={host} style={{ height }} />;
}

function optionsFor(
  element: HTMLElement,
  data: StackedSeries,
  hasBefore: boolean,
  maxSeries: number,
  range: TimeRange,
  height: number,
  handlers: { onBrush: (range: TimeRange) => void; onStep: (index: number | null) => void },
): uPlot.Options {
  const colour = (variable: string) => colourOf(element, variable);
  const single = data.names.length === 1;
  const axis: uPlot.Axis = {
    stroke: colour('--ink-soft'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height,
    // A single series has its legend above the lines, in the chart's corner.
    padding: [single ? 18 : 8, 20, 0, 0],
    legend: { show: false },
    scales: {
      x: { time: true, range: [range.fromMs / 1000, range.untilMs / 1000] },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      {
        ...axis,
        size: 24,
        gap: 4,
        space: 70,
        values: (_, at, __, ___, step) => at.map((s) => tickText(s * 1000, step * 1000)),
      },
      {
        ...axis,
        ...(data.unit === 'bytes' ? { incrs: POWERS_OF_TWO } : {}),
        size: 58,
        gap: 4,
        space: 28,
        values: (_, at) =>
          at.map((value) =>
            data.unit === 'cores' ? roundNumber(value) : formatValue(value, data.unit),
          ),
      },
    ],
    series: [
      {},
      ...data.names.toReversed().map((_, i): uPlot.Series => {
        const line = single ? '--chart-line' : seriesColour(data.names.length - 1 - i, maxSeries);
        return {
          stroke: colour(line),
          fill: colour(single ? '--chart-fill' : line),
          width: single ? 1.5 : 0.5,
          points: { show: false },
          paths: steppedArea(data.stepMs / 1000),
        };
      }),
      ...(hasBefore
        ? [
            {
              stroke: colour('--ink-soft'),
              width: 1.5,
              dash: [5, 4],
              points: { show: false },
              paths: steppedArea(data.stepMs / 1000),
            },
          ]
        : []),
    ],
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: MIN_BRUSH },
    },
    hooks: {
      setCursor: [(chart) => handlers.onStep(chart.cursor.idx ?? null)],
      setSelect: [
        (chart) => {
          const { left, width } = chart.select;
          if (width < MIN_BRUSH) return;
          chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          const timeAt = (x: number) => Math.round(chart.posToVal(x, 'x') * 1000);
          handlers.onBrush({ fromMs: timeAt(left), untilMs: timeAt(left + width) });
        },
      ],
    },
  };
}

/** Draws each value over the whole of its step; null leaves the step empty. */
function steppedArea(stepS: number): uPlot.Series.PathBuilder {
  return (chart, seriesIndex, first, last) => {
    const times = chart.data[0];
    const values = chart.data[seriesIndex] ?? [];
    const stroke = new Path2D();
    const fill = new Path2D();
    const bottom = chart.valToPos(0, 'y', true);
    let isOpen = false;
    for (let i = first; i <= last; i++) {
      const value = values[i];
      const time = times[i];
      if (typeof value !== 'number' || time === undefined) {
        isOpen = false;
        continue;
      }
      const left = Math.round(chart.valToPos(time, 'x', true));
      const right = Math.round(chart.valToPos(time + stepS, 'x', true));
      const top = chart.valToPos(value, 'y', true);
      fill.rect(left, top, right - left, bottom - top);
      if (isOpen) stroke.lineTo(left, top);
      else stroke.moveTo(left, top);
      stroke.lineTo(right, top);
      isOpen = true;
    }
    return { stroke, fill };
  };
}

/** A canvas needs the colour that a custom property comes to, `light-dark()` resolved. */
function colourOf(element: HTMLElement, variable: string): string {
  element.style.color = `var(${variable})`;
  const { color } = getComputedStyle(element);
  element.style.color = '';
  return color;
}
