/**
 * A frame travels and is stored as one string, so that stacks compress as
 * `Array(LowCardinality(String))` and compare by bytes. Its fields are joined by the ASCII unit
 * separator, and empty fields at the end are dropped: most frames are `name␟module`.
 */
export interface Frame {
  /** Function name, demangled; or `module+0xoffset` where there is none. Never empty. */
  name: string;
  /** Base name of the binary or library, `[kernel]`, `[jit]`; empty if unknown. */
  module: string;
  /** Source file; empty if unknown. */
  file: string;
  /** Source line; 0 if unknown. */
  line: number;
  /** GNU build ID in hex. Kept for frames without a name, so that they can be named later. */
  buildId: string;
}

/** Frame of samples that have no stack, or one that is no longer stored: counted, and visible. */
export const NO_STACK_FRAME = '[unknown]';

const SEPARATOR = '\x1f';
// biome-ignore lint/suspicious/noControlCharactersInRegex: the separator and line ends must not occur inside of a field
const CONTROL = /[\x00-\x1f\x7f]+/;

/**
 * What `replace` returns is a tree of the parts, which takes twenty times as much memory as the text, and
 * six times as long to make, where control characters are many.
 */
function clean(field: string): string {
  return CONTROL.test(field) ? field.split(CONTROL).join(' ') : field;
}

/** The stored form of a frame. Control characters become spaces. */
export function formatFrame(frame: Partial<Frame> & { name: string }): string {
  const name = clean(frame.name) || '[unknown]';
  const module = frame.module ? clean(frame.module) : '';
  if (!frame.file && !frame.line && !frame.buildId) {
    return module === '' ? name : name + SEPARATOR + module;
  }
  const fields = [
    name,
    module,
    clean(frame.file ?? ''),
    frame.line ? String(frame.line) : '',
    clean(frame.buildId ?? ''),
  ];
  let length = fields.length;
  while (length > 1 && fields[length - 1] === '') length--;
  return fields.slice(0, length).join(SEPARATOR);
}

/** The fields of a stored frame. Never throws: what is missing is empty. */
export function parseFrame(text: string): Frame {
  const [name = '', module = '', file = '', line = '', buildId = ''] = text.split(SEPARATOR);
  return { name, module, file, line: Number(line) || 0, buildId };
}

/** Whether a name stands for an address: an agent that could not name a frame says `module+0x…`. */
export function isUnnamedFrame(name: string, module: string): boolean {
  if (module === '') return name.startsWith('0x');
  return name.startsWith(module) && name.startsWith('+0x', module.length);
}

/** The part of a stored frame that makes two frames the same function: name and module. */
export function functionOfFrame(text: string): string {
  const afterName = text.indexOf(SEPARATOR);
  if (afterName < 0) return text;
  const afterModule = text.indexOf(SEPARATOR, afterName + 1);
  const key = afterModule < 0 ? text : text.slice(0, afterModule);
  return key.endsWith(SEPARATOR) ? key.slice(0, -1) : key;
}

/** Just the name of a stored frame. */
export function nameOfFrame(text: string): string {
  const afterName = text.indexOf(SEPARATOR);
  return afterName < 0 ? text : text.slice(0, afterName);
}

/** Just the module of a stored frame; empty if unknown. */
export function moduleOfFrame(text: string): string {
  const afterName = text.indexOf(SEPARATOR);
  if (afterName < 0) return '';
  const afterModule = text.indexOf(SEPARATOR, afterName + 1);
  return text.slice(afterName + 1, afterModule < 0 ? undefined : afterModule);
}
