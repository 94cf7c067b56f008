import type { SharedScale } from './value-rows.ts';

const HEIGHT = 44;

/** A series as an area, before the average of all as a line. Scales are shared, so axes are not needed. */
export function SmallChart(props: { values: (number | null)[] | undefined; scale: SharedScale }) {
  const { values, scale } = props;
  if (!values || values.length < 2 || scale.most <= 0) return <svg height={HEIGHT} aria-hidden />;
  const width = values.length;
  const y = (value: number) => HEIGHT - (value / scale.most) * (HEIGHT - 2);
  const average = scale.average.flatMap((value, i) =>
    value === null ? [] : `${i + 0.5},${y(value).toFixed(1)}`,
  );
  return (
    <svg
      height={HEIGHT}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path
        d={values
          .map((value, i) =>
            value === null ? '' : `M${i} ${HEIGHT}V${y(value).toFixed(1)}h1V${HEIGHT}z`,
          )
          .join('')}
        fill="var(--chart-line)"
        opacity="0.55"
      />
      <polyline
        points={average.join(' ')}
        fill="none"
        stroke="var(--ink-soft)"
        strokeDasharray="3 3"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}
