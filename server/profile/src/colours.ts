import { moduleOfFrame, nameOfFrame } from './frame.ts';
import { FRAME_KINDS, type FrameKind, kindOf } from './frame-kind.ts';

export type Theme = 'light' | 'dark';

/**
 * A colour as the pixels of an ImageData hold it on a little-endian machine: `0xAABBGGRR`. Every
 * machine that runs a browser is one.
 */
export type Pixel = number;

/** Colours of a graph. */
export interface FlameColours {
  /** Per frame. */
  frame: Uint32Array;
  /** Per node, where that says more than its frame: in a comparison. Else null. */
  node: { plain: Uint32Array; dimmed: Uint32Array } | null;
  /** Per frame, when other frames are to stand out. */
  dimmed: Uint32Array;
  /** Per frame, when it is one of those that stand out. */
  emphasised: Uint32Array;
  root: Pixel;
  dimmedRoot: Pixel;
  background: Pixel;
  /** CSS colours of the text on a frame. */
  text: string;
  dimmedText: string;
  emphasisedText: string;
}

const HUES = 8;
const SHADES = 4;
/** How far frames that do not stand out go towards the background. */
const DIMMING = 0.72;

/**
 * The kind chooses a band of hues, the module a hue in it, and the name a shade: a function looks
 * the same in every graph, and the code of one library hangs together. Warm, blue and teal differ
 * for every common kind of colour blindness; what is not real code has no colour. Hues are OKLCH's.
 */
const BANDS: Record<FrameKind, { hue: number; spread: number; chroma: number; lift: number }> = {
  native: { hue: 50, spread: 48, chroma: 0.105, lift: 0.01 },
  jit: { hue: 172, spread: 26, chroma: 0.085, lift: 0.02 },
  kernel: { hue: 248, spread: 38, chroma: 0.095, lift: -0.035 },
  unnamed: { hue: 75, spread: 20, chroma: 0.028, lift: -0.01 },
  other: { hue: 260, spread: 0, chroma: 0.006, lift: -0.06 },
};

const THEMES = {
  light: { lightness: 0.815, shade: 0.022, background: [255, 255, 255], root: [0.9, 0.008, 260] },
  dark: { lightness: 0.66, shade: 0.022, background: [21, 24, 29], root: [0.66, 0.012, 260] },
} as const;

const TEXT: Record<Theme, Pick<FlameColours, 'text' | 'dimmedText' | 'emphasisedText'>> = {
  light: { text: '#191b1f', dimmedText: '#6b7078', emphasisedText: '#ffffff' },
  dark: { text: '#14120e', dimmedText: '#99a0aa', emphasisedText: '#1c0f1a' },
};

/** Matches are magenta: no kind has it, and it stays apart from blue and orange without red or green. */
const EMPHASIS: Record<Theme, { lightness: number; chroma: number; hue: number }> = {
  light: { lightness: 0.5, chroma: 0.2, hue: 335 },
  dark: { lightness: 0.78, chroma: 0.15, hue: 335 },
};

/**
 * Per frame: which colour of a theme's palette it has. The same for every theme, so that a worker can
 * find it before anyone knows the theme.
 */
export function frameSwatches(frames: string[]): Uint8Array {
  const hueOf = new Map<string, number>(); // modules are few, and a package's hash is not free
  return Uint8Array.from(frames, (text) => {
    const name = nameOfFrame(text);
    const module = moduleOfFrame(text);
    const group = module === '' ? packageOf(name) : module;
    let hue = hueOf.get(group);
    if (hue === undefined) {
      hue = hashText(group) % HUES;
      hueOf.set(group, hue);
    }
    const kind = FRAME_KINDS.indexOf(kindOf(name, module));
    return (kind * HUES + hue) * SHADES + (hashText(name) % SHADES);
  });
}

/** The colours of all frames of a tree, by their swatches. */
export function coloursOf(swatches: Uint8Array, theme: Theme): FlameColours {
  const { background, root } = THEMES[theme];
  const paper = pack(background[0], background[1], background[2]);
  const rootColour = oklch(root[0], root[1], root[2]);
  const palette = FRAME_KINDS.flatMap((kind) => Array.from(paletteOf(kind, theme)));
  const dimmed = palette.map((colour) => dim(colour, paper));
  const emphasis = EMPHASIS[theme];
  const emphasised = Array.from({ length: SHADES }, (_, shade) =>
    oklch(emphasis.lightness + (shade - 1.5) * 0.02, emphasis.chroma, emphasis.hue),
  );
  const perFrame = (pick: (swatch: number) => Pixel | undefined) =>
    Uint32Array.from(swatches, (swatch) => pick(swatch) as Pixel);
  return {
    frame: perFrame((swatch) => palette[swatch]),
    node: null,
    dimmed: perFrame((swatch) => dimmed[swatch]),
    emphasised: perFrame((swatch) => emphasised[swatch % SHADES]),
    root: rootColour,
    dimmedRoot: dim(rootColour, paper),
    background: paper,
    ...TEXT[theme],
  };
}

/** The colours of all frames of a tree. */
export function frameColours(frames: string[], theme: Theme): FlameColours {
  return coloursOf(frameSwatches(frames), theme);
}

/** The middle colour of a kind, for a legend. */
export function kindColour(kind: FrameKind, theme: Theme): string {
  return cssColour(paletteOf(kind, theme)[(HUES / 2) * SHADES + 1] as number);
}

export function emphasisColour(theme: Theme): string {
  const { lightness, chroma, hue } = EMPHASIS[theme];
  return cssColour(oklch(lightness, chroma, hue));
}

function paletteOf(kind: FrameKind, theme: Theme): Uint32Array {
  const band = BANDS[kind];
  const { lightness, shade } = THEMES[theme];
  const palette = new Uint32Array(HUES * SHADES);
  for (let h = 0; h < HUES; h++) {
    for (let s = 0; s < SHADES; s++) {
      palette[h * SHADES + s] = oklch(
        lightness + band.lift + (s - (SHADES - 1) / 2) * shade,
        theme === 'dark' ? band.chroma * 0.9 : band.chroma,
        band.hue + (h / (HUES - 1)) * band.spread,
      );
    }
  }
  return palette;
}

/** What shares a hue where no module is known: the part of the name that says where it lives. */
function packageOf(name: string): string {
  const end = Math.max(name.lastIndexOf('.'), name.lastIndexOf('::'), name.lastIndexOf('/'));
  return end > 0 ? name.slice(0, end) : name;
}

/** FNV-1a with a final mix: the low bits of near texts differ. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/** OKLCH (lightness 0 to 1, chroma, hue in degrees) in sRGB; what lies outside of it is clipped. */
export function oklch(lightness: number, chroma: number, hue: number): Pixel {
  const angle = (hue * Math.PI) / 180;
  const a = chroma * Math.cos(angle);
  const b = chroma * Math.sin(angle);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return pack(
    gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    gamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  );
}

function gamma(linear: number): number {
  const x = Math.min(1, Math.max(0, linear));
  return 255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055);
}

function pack(red: number, green: number, blue: number): Pixel {
  return (0xff000000 | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;
}

/** A colour as it is when others are to stand out. */
export function dim(colour: Pixel, background: Pixel): Pixel {
  return blend(colour, background, DIMMING);
}

function blend(from: Pixel, to: Pixel, share: number): Pixel {
  const mix = (shift: number) =>
    ((from >>> shift) & 0xff) * (1 - share) + ((to >>> shift) & 0xff) * share;
  return pack(mix(0), mix(8), mix(16));
}

/** A colour as CSS and SVG have it: `#0c2238`. */
export function cssColour(pixel: Pixel): string {
  const rgb = ((pixel & 0xff) << 16) | (pixel & 0xff00) | ((pixel >>> 16) & 0xff);
  return `#${rgb.toString(16).padStart(6, '0')}`;
}
