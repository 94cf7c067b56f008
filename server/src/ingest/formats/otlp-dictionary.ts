import { checkLabels, type Frame, type Labels, toLabels, type ValueType } from '@bunsen/profile';
import type {
  AnyValue,
  KeyValue,
  ValueType as OtlpValueType,
  ProfilesDictionary,
} from '@bunsen/proto/otlp/v1_10/profiles';
import { BunsenError } from '../../errors.ts';
import { type IngestLimits, tooMany } from '../limits.ts';
import { NO_SPAN, type SpanWords, spanOf } from './decoded.ts';

/** Everything that a request's profiles refer to by index. Each index is checked. */
export class OtlpDictionary {
  readonly #limits: IngestLimits;
  readonly #tables: Omit<ProfilesDictionary, '$typeName' | '$unknown'>;

  /** @throws BunsenError `PROFILE_TOO_LARGE` */
  constructor(dictionary: ProfilesDictionary | undefined, limits: IngestLimits) {
    this.#limits = limits;
    this.#tables = dictionary ?? {
      mappingTable: [],
      locationTable: [],
      functionTable: [],
      linkTable: [],
      stringTable: [],
      attributeTable: [],
      stackTable: [],
    };
    for (const [name, table] of Object.entries(this.#tables)) {
      if (Array.isArray(table) && table.length > limits.tableEntries) {
        throw tooMany(table.length, name, limits, 'tableEntries');
      }
    }
  }

  valueType({ typeStrindex, unitStrindex }: OtlpValueType): ValueType {
    return { type: this.#text(typeStrindex), unit: this.#text(unitStrindex) };
  }

  /** What a link names. Link 0, which may be left out with its table, is none. */
  span(index: number): SpanWords {
    const { linkTable } = this.#tables;
    if (index === 0 && linkTable.length === 0) return NO_SPAN;
    const { spanId, traceId } = at(linkTable, index, 'link_table');
    // JSON has ids in hexadecimal, which were taken for base64: 16 digits are 12 bytes of that.
    const idOf = (bytes: Uint8Array) =>
      Buffer.from(bytes).toString(bytes.length % 12 === 0 ? 'base64' : 'hex');
    return spanOf({ span_id: idOf(spanId), trace_id: idOf(traceId) });
  }

  /** Indices of locations, root first. */
  stack(index: number): number[] {
    return at(this.#tables.stackTable, index, 'stack_table').locationIndices.toReversed();
  }

  /** Frames of a location, inlined ones behind those that they are inlined in. */
  frames(index: number): (Partial<Frame> & { name: string })[] {
    const location = at(this.#tables.locationTable, index, 'location_table');
    const { mappingTable, functionTable } = this.#tables;
    const mapping =
      location.mappingIndex === 0 && mappingTable.length === 0
        ? undefined
        : at(mappingTable, location.mappingIndex, 'mapping_table');
    const path = mapping ? this.#text(mapping.filenameStrindex) : '';
    const ofMapping = mapping ? this.labelsAt(mapping.attributeIndices) : {};
    const isKernel = this.labelsAt(location.attributeIndices)['profile.frame.type'] === 'kernel';
    const module = isKernel ? '[kernel]' : path.slice(path.lastIndexOf('/') + 1);
    if (location.lines.length === 0) {
      const hex = `0x${location.address.toString(16)}`;
      const buildId = ofMapping['process.executable.build_id.gnu'] ?? '';
      return [{ name: module ? `${module}+${hex}` : hex, module, buildId }];
    }
    return location.lines.toReversed().map(({ functionIndex, line }) => {
      const fn = at(functionTable, functionIndex, 'function_table');
      return {
        name: this.#text(fn.nameStrindex) || this.#text(fn.systemNameStrindex),
        module,
        file: this.#text(fn.filenameStrindex),
        line: Number(line),
      };
    });
  }

  /** Entries of the table of attributes that are text, as labels. */
  labelsAt(indices: number[]): Labels {
    return labelsOf(
      indices.map((index) => {
        const { keyStrindex, value } = at(this.#tables.attributeTable, index, 'attribute_table');
        return [this.#text(keyStrindex), this.#textOf(value)];
      }),
      this.#limits,
    );
  }

  /** Attributes that are text, as labels. */
  labels(attributes: KeyValue[]): Labels {
    return labelsOf(
      attributes.map(({ key, keyStrindex, value }) => [
        key || this.#text(keyStrindex),
        this.#textOf(value),
      ]),
      this.#limits,
    );
  }

  #textOf(any: AnyValue | undefined): string {
    const value = any?.value;
    if (value?.case === 'stringValue') return value.value;
    if (value?.case === 'stringValueStrindex') return this.#text(value.value);
    return '';
  }

  /** Index 0 stands for no text, also where the table is empty. */
  #text(index: number): string {
    return index === 0 ? '' : at(this.#tables.stringTable, index, 'string_table');
  }
}

/** Without those that are empty. */
function labelsOf(pairs: [name: string, value: string][], limits: IngestLimits): Labels {
  const labels = toLabels(
    pairs.filter(([name]) => name !== ''),
    limits,
  );
  checkLabels(labels, limits); // before they are copied for each profile and sample
  return labels;
}

function at<T>(table: T[], index: number, name: string): T {
  const entry = table[index];
  if (entry !== undefined) return entry;
  throw new BunsenError(
    'OTLP_MALFORMED',
    `something refers to entry ${index} of ${name}, which has ${table.length}`,
  );
}
