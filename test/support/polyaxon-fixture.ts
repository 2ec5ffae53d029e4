/** The fixtures of Polyaxon's own client: the logged values, and the events that polytrack writes for the same values. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JsonValue } from '../../src/base/json-value.js';
import type { Event, SummaryValue } from '../../src/format/wire/messages.js';
import type { SeriesArtifact } from '../../src/polyaxon/export/exporter.js';
import { sanitizeName } from '../../src/polyaxon/names.js';
import type { ArtifactKind, PolyaxonBody } from '../../src/polyaxon/polyaxon-value.js';
import {
  audioValue,
  histogramValue,
  imagesValue,
  polyaxonValue,
  prCurveValue,
  scalarValue,
  textValue,
  toEvent,
} from './summary-events.js';

const DIRECTORY = fileURLToPath(new URL('../../fixtures/polyaxon', import.meta.url));

interface Call {
  readonly kind: ArtifactKind;
  readonly name: string;
  readonly step: string;
  readonly wallTime: number;
  readonly value: JsonValue;
}

export interface PolyaxonFixture {
  readonly files: readonly { readonly path: string; readonly sizeBytes: number; readonly sha256: string }[];
  readonly logged: readonly Call[];
  readonly resources: readonly Call[];
  readonly artifacts: readonly SeriesArtifact[];
  readonly outputs: Readonly<Record<string, number | null>>;
}

export interface PolyaxonTexts {
  readonly names: readonly (readonly [given: string, sanitized: string])[];
  readonly floats: readonly (readonly [hex: string, python: string, orjson: string])[];
  readonly values: readonly (readonly [value: JsonValue, orjson: string, python: string])[];
}

export const polyaxonFixture: PolyaxonFixture = JSON.parse(readText('run.expected.json'));
export const polyaxonTexts: PolyaxonTexts = JSON.parse(readText('texts.json'));

/** Returns the bytes of a file of the fixture's run. */
export function readFixtureFile(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(DIRECTORY, 'run', path)));
}

/** Returns the content of polytrack's event files for a call. */
export function toFixtureEvent(call: Call): Event {
  const step = BigInt(call.step);
  const exact = Number.isSafeInteger(Number(step)) ? Number(step) : step;
  return toEvent(exact, call.wallTime, toSummaryValue(call));
}

function toSummaryValue(call: Call): SummaryValue {
  const { kind, name, value } = call;
  const fields = value as Record<string, JsonValue>;
  switch (kind) {
    case 'metric':
      return scalarValue(name, Number(value));
    case 'image':
      return imagesValue(name, readAsset(call, 'png'));
    case 'audio':
      return audioValue(name, readAsset(call, 'wav'));
    case 'text':
      return textValue(name, [value as string]);
    case 'histogram':
      return histogramValue(name, toBuckets(fields.values as number[], fields.counts as number[]));
    case 'curve':
      if (fields.kind !== 'pr') return polyaxonValue({ kind, name, value });
      return prCurveValue(name, fields.x as number[], fields.y as number[]);
    default: {
      const extension = ASSET_EXTENSIONS[kind];
      if (extension === undefined) return polyaxonValue({ kind, name, value });
      const body: PolyaxonBody = { kind, name, value, asset: { extension } };
      return polyaxonValue(body, readAsset(call, extension));
    }
  }
}

const ASSET_EXTENSIONS: Partial<Record<ArtifactKind, string>> = {
  video: 'gif',
  dataframe: 'csv',
  model: 'onnx',
  file: 'tar.gz',
  csv: 'csv',
};

function readAsset({ kind, name, step }: Call, extension: string): Uint8Array {
  return readFixtureFile(`assets/${kind}/${sanitizeName(name)}_${step}.${extension}`);
}

function toBuckets(counts: readonly number[], edges: readonly number[]): number[][] {
  return counts.map((count, i) => [edges[i]!, edges[i + 1]!, count]);
}

function readText(name: string): string {
  return readFileSync(join(DIRECTORY, name), 'utf8');
}
