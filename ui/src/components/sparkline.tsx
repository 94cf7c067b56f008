const WIDTH = 120;
const HEIGHT = 22;

/** A chart as small as a word: only the shape counts, from 0 to the largest value. */
export function Sparkline({ values }: { values: (number | null)[] | undefined }) {
  if (!values || values.length < 2) return null;
  const most = Math.max(...values.map((value) => value ?? 0));
  if (most <= 0) return null;
  const step = WIDTH / (values.length - 1);
  const points = values.map(
    (value, i) =>
      `${(i * step).toFixed(1)},${(HEIGHT - 1 - ((value ?? 0) / most) * (HEIGHT - 3)).toFixed(1)}`,
  );
  return (
    <svg width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      <polygon
        points={`0,${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`}
        fill="var(--chart-fill)"
      />
      <polyline points={points.join(' ')} fill="none" stroke="var(--chart-line)" />
    </svg>
  );
}
