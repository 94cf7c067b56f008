/** Worker: merged stacks in, a file for other tools out. */
import { gzipSync } from 'node:zlib';
import { type CallTree, CallTreeBuilder, callTreeOf, parseFrame } from '@bunsen/profile';
import { BunsenError } from '../errors.ts';
import { callGraphDot } from './exports/dot.ts';
import type { ExportForm, ExportSubject } from './exports/export-form.ts';
import { foldedFrame, foldedText } from './exports/folded.ts';
import { buildPprof } from './exports/pprof.ts';
import { speedscopeJson } from './exports/speedscope.ts';
import { flameSvg } from './exports/svg.ts';
import { functionStacks, readMerged, roundingWarnings, stacksIn } from './merged-stacks.ts';
import { encodePprofMessage } from './pyroscope-messages.ts';
import { type WorkerResult, workerResult } from './worker-result.ts';

export interface ExportTask {
  /** (frames, v) in Native format, in pieces that were cut anywhere. */
  native: Uint8Array[];
  subject: ExportSubject;
  form: ExportForm;
}

/** Nodes of a tree that is written whole: some hundred bytes each until it is. */
const MAX_NODES = 1 << 22;
const MAX_TEXT_BYTES = 256 * 2 ** 20;
const PIECE_CHARS = 1 << 16;

export default function buildExport(task: ExportTask): Promise<WorkerResult> {
  return workerResult(() => encodeExport(task));
}

function encodeExport({ native, subject, form }: ExportTask): Uint8Array {
  if (form.format === 'pprof') {
    const pprof = buildPprof(native, subject);
    return form.message ? encodePprofMessage(pprof, form.message) : gzipSync(pprof);
  }
  const builder = new CallTreeBuilder({ stacks: stacksIn(native) });
  const fileOf = new Map<string, string>();
  for (const merged of readMerged(native)) {
    const { stacks, values } = functionStacks(merged);
    if (form.format === 'speedscope') {
      for (const [i, text] of merged.stacks.dictionary.entries()) {
        const { file } = parseFrame(text);
        if (file !== '') fileOf.set(stacks.frames[i] as string, file);
      }
    }
    const frames = form.format === 'folded' ? stacks.frames.map(foldedFrame) : stacks.frames;
    builder.add({ ...stacks, frames }, values);
  }
  const cut = builder.cut(form.format === 'svg' ? form.maxNodes : MAX_NODES);
  if (cut.foldedNodes > 0 && form.format !== 'svg') {
    const nodes = cut.foldedNodes + MAX_NODES;
    throw tooLarge(`a tree of ${nodes} nodes; ${form.format} is made of at most ${MAX_NODES}`);
  }
  const tree = callTreeOf(cut);
  const warnings = [...subject.warnings, ...roundingWarnings(tree.total)];
  const bytes = bytesOf(textOf(tree, { ...subject, warnings }, form, fileOf));
  if (bytes) return bytes;
  throw tooLarge(`more than ${MAX_TEXT_BYTES} bytes as ${form.format}, as many as there may be`);
}

function textOf(
  tree: CallTree,
  subject: ExportSubject,
  form: Exclude<ExportForm, { format: 'pprof' }>,
  fileOf: ReadonlyMap<string, string>,
): Iterable<string> {
  switch (form.format) {
    case 'folded':
      return foldedText(tree);
    case 'speedscope':
      return speedscopeJson(tree, subject, fileOf);
    case 'dot':
      return callGraphDot(tree, subject, form.maxNodes);
    case 'svg':
      return flameSvg(tree, subject);
  }
}

function tooLarge(what: string): BunsenError {
  return new BunsenError(
    'QUERY_MEMORY_LIMIT',
    `the selection has ${what}: ask for a shorter range or fewer series`,
  );
}

/** As UTF-8; undefined if that is more than there may be. */
function bytesOf(texts: Iterable<string>): Uint8Array | undefined {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  let text = '';
  const flush = () => {
    const piece = Buffer.from(text);
    pieces.push(piece);
    bytes += piece.length;
    text = '';
  };
  for (const part of texts) {
    text += part;
    if (text.length < PIECE_CHARS) continue;
    flush();
    if (bytes > MAX_TEXT_BYTES) return undefined;
  }
  flush();
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
