import { cssColour, dim, type FlameColours, oklch, type Theme } from './colours.ts';

/**
 * Less is blue, the same is grey, more is orange: the pair that every common kind of colour blindness
 * keeps apart. Labels say it with a sign as well. Lightness, chroma and hue of OKLCH.
 */
const RAMP: Record<Theme, Record<'less' | 'same' | 'more', [number, number, number]>> = {
  light: { less: [0.74, 0.115, 250], same: [0.9, 0.004, 260], more: [0.78, 0.15, 62] },
  dark: { less: [0.67, 0.125, 252], same: [0.61, 0.01, 260], more: [0.755, 0.145, 65] },
};

/** Shades on each side of grey. */
const STEPS = 24;

/** What changed by less than this has no sign: about a tenth more or less. */
const SIGN_FROM = 0.1;

const ramps = new Map<Theme, Uint32Array>();

/** The colours of a graph whose nodes tell how much they changed, -1 to 1, and not what they are. */
export function withChange(
  colours: FlameColours,
  change: Float32Array,
  theme: Theme,
): FlameColours {
  const ramp = rampOf(theme);
  const dimmed = ramp.map((colour) => dim(colour, colours.background));
  const shades = Uint8Array.from(change, indexOf);
  return {
    ...colours,
    node: {
      plain: Uint32Array.from(shades, (shade) => ramp[shade] as number),
      dimmed: Uint32Array.from(shades, (shade) => dimmed[shade] as number),
    },
  };
}

/** `+`, `−`, or nothing for what is about the same. */
export function changeSign(change: number): '+' | '−' | '' {
  return change >= SIGN_FROM ? '+' : change <= -SIGN_FROM ? '−' : '';
}

/** The CSS colour of a change, for a legend. */
export function changeColour(change: number, theme: Theme): string {
  return cssColour(rampOf(theme)[indexOf(change)] as number);
}

function indexOf(change: number): number {
  return Math.round((Math.max(-1, Math.min(1, change)) + 1) * STEPS);
}

function rampOf(theme: Theme): Uint32Array {
  let ramp = ramps.get(theme);
  if (!ramp) {
    const { less, same, more } = RAMP[theme];
    ramp = Uint32Array.from({ length: 2 * STEPS + 1 }, (_, index) => {
      const [lightness, chroma, hue] = index < STEPS ? less : more;
      const share = Math.abs(index - STEPS) / STEPS;
      const between = (from: number, to: number) => from + (to - from) * share;
      return oklch(between(same[0], lightness), between(same[1], chroma), hue);
    });
    ramps.set(theme, ramp);
  }
  return ramp;
}
