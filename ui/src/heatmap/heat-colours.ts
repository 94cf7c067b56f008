import type { Theme } from '@bunsen/profile';

type Rgb = readonly [red: number, green: number, blue: number];

/** From nothing to the most: away from the ground in lightness, so that it needs no sense of colour. */
const STOPS: Record<Theme, readonly Rgb[]> = {
  light: [
    [246, 241, 231],
    [250, 213, 145],
    [240, 150, 78],
    [200, 70, 50],
    [106, 18, 48],
  ],
  dark: [
    [34, 32, 38],
    [86, 41, 40],
    [165, 70, 44],
    [232, 138, 63],
    [255, 228, 166],
  ],
};

/** The colour of a value, as a share of the most: 0 to 1; what is beyond has the colour of the end. */
export function heatColour(share: number, theme: Theme): Rgb {
  const stops = STOPS[theme];
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const from = stops[Math.floor(at)] as Rgb;
  const to = stops[Math.ceil(at)] as Rgb;
  const part = at - Math.floor(at);
  return from.map((value, i) => Math.round(value + ((to[i] as number) - value) * part)) as never;
}

/** The ramp as a CSS background, from left to right. */
export function heatRamp(theme: Theme): string {
  return `linear-gradient(to right, ${STOPS[theme].map((stop) => `rgb(${stop})`).join(', ')})`;
}
