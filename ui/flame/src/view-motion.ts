/** The part of the x axis that is in sight, in the unit of the values. */
export interface Span {
  from: number;
  until: number;
}

/**
 * The span at `progress` (0 to 1) of a zoom. The width changes by a constant factor per step, about
 * the one point that stays where it is on the screen: so a zoom by a million is as smooth as one by two.
 */
export function spanBetween(start: Span, end: Span, progress: number): Span {
  if (progress >= 1) return end;
  const eased = 1 - (1 - progress) ** 3;
  const startWidth = start.until - start.from;
  const endWidth = end.until - end.from;
  if (Math.abs(endWidth - startWidth) < startWidth * 1e-9) {
    const from = start.from + (end.from - start.from) * eased;
    return { from, until: from + startWidth };
  }
  const width = startWidth * (endWidth / startWidth) ** eased;
  const fixed = (start.from * endWidth - end.from * startWidth) / (endWidth - startWidth);
  const from = fixed + (start.from - fixed) * (width / startWidth);
  return { from, until: from + width };
}

/** The span scaled by `factor` about the point at `fraction` of its width, kept inside of 0 .. total. */
export function zoomSpan(span: Span, factor: number, fraction: number, total: number): Span {
  const width = span.until - span.from;
  // Past this, neighbouring doubles are a pixel apart and cells jump.
  const zoomed = Math.min(total, Math.max(width * factor, total * 2 ** -40));
  return shiftSpan({ from: span.from + (width - zoomed) * fraction, until: 0 }, zoomed, total);
}

/** The span moved by `by`, kept inside of 0 .. total. */
export function panSpan(span: Span, by: number, total: number): Span {
  return shiftSpan({ from: span.from + by, until: 0 }, span.until - span.from, total);
}

function shiftSpan({ from }: Span, width: number, total: number): Span {
  const start = Math.max(0, Math.min(from, total - width));
  return { from: start, until: start + width };
}
