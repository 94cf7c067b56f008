import {
  type CallTree,
  cssColour,
  fitLabel,
  formatShare,
  formatValue,
  frameColours,
  NO_FRAME,
  parseFrame,
  shortName,
  type Theme,
} from '@bunsen/profile';
import type { ExportSubject } from './export-form.ts';

const WIDTH = 1200;
const MARGIN = 12;
const HEAD = 56;
const ROW = 18;
const FONT =
  'ui-monospace,&quot;SF Mono&quot;,Menlo,Consolas,&quot;DejaVu Sans Mono&quot;,monospace';
const FONT_SIZE = 11;
/** Of the widest of these fonts. */
const CHAR = FONT_SIZE * 0.605;
const PADDING = 4;
/** Narrower nodes cannot be seen, nor pointed at. */
const LEAST_WIDTH = 0.2;

/**
 * A flame graph as a picture that needs nothing else: root at the top, names where there is room, and
 * everything about a node in its tooltip. Its colours are those of the web app, and follow the
 * reader's choice of light or dark.
 */
export function* flameSvg(tree: CallTree, subject: ExportSubject): Generator<string> {
  const { frames, frame, depth, self, total } = tree;
  const whole = total[0] ?? 0;
  const levels = depth.reduce((most, at) => Math.max(most, at), 0) + 1;
  const height = HEAD + levels * ROW + MARGIN;
  const classes = colourClasses(frames);
  yield `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="${FONT}" font-size="${FONT_SIZE}">\n`;
  yield `<title>${escaped(subject.query)}</title>\n<style>${classes.css}</style>\n`;
  yield `<rect class="ground" width="${WIDTH}" height="${height}"/>\n`;
  const [head, about] = headOf(subject, whole);
  yield `<text class="head" x="${MARGIN}" y="22">${label(head, WIDTH - 2 * MARGIN, 13)}</text>\n`;
  yield `<text class="about" x="${MARGIN}" y="41">${label(about, WIDTH - 2 * MARGIN, FONT_SIZE)}</text>\n`;

  const scale = whole > 0 ? (WIDTH - 2 * MARGIN) / whole : 0;
  const labels = frames.map((text) => {
    const { name, module } = parseFrame(text);
    return { name, short: shortName(name), module };
  });
  const root = { name: 'total', short: 'total', module: '' };
  const nextStart: number[] = [0]; // per depth: where the next node begins, in the unit of values
  for (let node = 0; node < depth.length; node++) {
    const level = depth[node] as number;
    const value = total[node] as number;
    const start = nextStart[level] as number;
    nextStart[level] = start + Math.max(0, value);
    nextStart[level + 1] = start;
    const width = value * scale;
    if (width < LEAST_WIDTH) continue;
    const at = frame[node] as number;
    const { name, short, module } = at === NO_FRAME ? root : (labels[at] as typeof root);
    const [x, y] = [MARGIN + start * scale, HEAD + level * ROW];
    const gap = width > 3 ? 0.5 : 0;
    const written = fitLabel(name, short, Math.floor((width - 2 * PADDING) / CHAR));
    const own = self[node] as number;
    const tooltip = [
      module === '' ? name : `${name} (${module})`,
      `total ${formatValue(value, subject.profileType.sampleUnit)}, ${formatShare(value / whole)}`,
      `self ${formatValue(own, subject.profileType.sampleUnit)}, ${formatShare(own / whole)}`,
    ];
    yield `<g class="${at === NO_FRAME ? 'root' : classes.of[at]}"><title>${escaped(tooltip.join('\n'))}</title><rect x="${round(x)}" y="${y}" width="${round(width - gap)}" height="${ROW - 1}" rx="1.5"/>${written === '' ? '' : `<text x="${round(x + PADDING)}" y="${y + 12.5}">${escaped(written)}</text>`}</g>\n`;
  }
  yield '</svg>\n';
}

function headOf({ query, profileType, range, warnings }: ExportSubject, total: number) {
  const time = (ms: number) => `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}`;
  const value = total === 0 ? 'no samples' : formatValue(total, profileType.sampleUnit);
  const about = [`${value}, ${time(range.fromMs)} to ${time(range.untilMs)} UTC`, ...warnings];
  return [query, about.join('; ')] as const;
}

/** Per frame the class with its colour in both themes; few frames have one of their own. */
function colourClasses(frames: string[]): { of: string[]; css: string } {
  const [light, dark] = [frameColours(frames, 'light'), frameColours(frames, 'dark')];
  const classes = new Map<string, { name: string; light: string; dark: string }>();
  const of = frames.map((_, index) => {
    const lightFill = cssColour(light.frame[index] as number);
    const darkFill = cssColour(dark.frame[index] as number);
    const key = lightFill + darkFill;
    const known = classes.get(key);
    if (known) return known.name;
    const name = `c${classes.size}`;
    classes.set(key, { name, light: lightFill, dark: darkFill });
    return name;
  });
  const themed = (theme: Theme) => {
    const colours = theme === 'light' ? light : dark;
    const ground = cssColour(colours.background);
    const ink = theme === 'light' ? '#191b1f' : '#eceef1';
    const soft = theme === 'light' ? '#565d68' : '#a3abb8';
    return [
      `:root{background:${ground}}.ground{fill:${ground}}.head{fill:${ink}}.about{fill:${soft}}`,
      `g text{fill:${colours.text}}g:hover rect{stroke:${ink}}.root{fill:${cssColour(colours.root)}}`,
      ...[...classes.values()].map((each) => `.${each.name}{fill:${each[theme]}}`),
    ].join('');
  };
  const css = `.head{font-size:13px;font-weight:600}text{pointer-events:none}${themed('light')}
@media (prefers-color-scheme:dark){${themed('dark')}}`;
  return { of, css };
}

/** As much of a text as fits. */
function label(text: string, width: number, size: number): string {
  const columns = Math.floor(width / (size * 0.605));
  return escaped(text.length > columns ? `${text.slice(0, columns - 1)}…` : text);
}

function round(x: number): string {
  return String(Math.round(x * 100) / 100);
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
/** What no XML document may hold: lone halves of pairs, and two that are no characters. */
const NOT_XML =
  /[\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

function escaped(text: string): string {
  return text.replace(NOT_XML, '\ufffd').replace(/[&<>"]/g, (char) => ENTITIES[char] as string);
}
