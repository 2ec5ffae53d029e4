/**
 * Checks spans field by field and converts them to JSON in Polyaxon's order, so that its Python classes accept every written span.
 *
 * The conversion is strict: an invalid value throws an error with its path. Spans that a tracer records do not pass through it, because
 * the tracer builds their JSON.
 */

import { describe } from '../base/describe.js';
import { InvalidArgumentError, messageOf } from '../base/errors.js';
import { type JsonValue, MAX_JSON_LEVELS, parseJsonObject } from '../base/json-value.js';
import { toWellFormedText } from '../base/well-formed-text.js';
import { RUN_STATUSES } from '../polyaxon/statuses.js';
import {
  ERROR_KEY,
  isSpanKind,
  isSpanStatus,
  type JsonRecord,
  SPAN_KINDS,
  type SpanConditionJson,
  type SpanInput,
  type SpanJson,
  type SpanMasker,
} from './span.js';
import { describeError, toErrorCondition } from './span-error.js';
import { cleanText, toSafeMasker } from './span-mask.js';
import { parseSpanTime } from './span-time.js';

/** Maximum number of levels of `children`, which leaves 50 levels for values. */
export const MAX_SPAN_DEPTH = 100;
/** Maximum number of spans of one tree. */
const MAX_SPANS = 100_000;

interface SpanJsonOptions {
  /** Hides secrets in texts. Default: none. */
  readonly mask?: SpanMasker | undefined;
}

interface Conversion {
  readonly mask: SpanMasker | undefined;
  /** The ancestors of the span that is converted. */
  readonly parents: readonly object[];
  readonly counter: { spans: number };
}

type FieldParser = (path: string, value: unknown, conversion: Conversion) => unknown;

/** Polyaxon's name of a field, our name, and the function that checks its value. */
type Field = readonly [jsonName: string, name: string, parse: FieldParser];

const SPAN_FIELDS: readonly Field[] = [
  ['uuid', 'uuid', parseUuid],
  ['name', 'name', parseMaskedText],
  ['tags', 'tags', parseTags],
  ['started_at', 'startedAt', parseSpanTime],
  ['finished_at', 'finishedAt', parseSpanTime],
  ['status', 'status', parseStatus],
  ['status_conditions', 'statusConditions', parseConditions],
  ['metadata', 'metadata', parseRecord],
  ['inputs', 'inputs', parseRecord],
  ['outputs', 'outputs', parseRecord],
  ['children', 'children', parseChildren],
  ['kind', 'kind', parseKind],
];

const CONDITION_FIELDS: readonly Field[] = [
  ['type', 'type', parseStatus],
  ['status', 'status', parseConditionStatus],
  ['reason', 'reason', parseMaskedText],
  ['message', 'message', parseMaskedText],
  ['last_update_time', 'lastUpdateTime', parseSpanTime],
  ['last_transition_time', 'lastTransitionTime', parseSpanTime],
  ['meta_info', 'metaInfo', parseRecord],
];

/**
 * Returns the JSON of a span: Polyaxon's fields in its order, without absent fields.
 *
 * Accepts our names (`startedAt`) and Polyaxon's (`started_at`), so that its own result passes through unchanged. Converts values of
 * inputs, outputs and metadata to JSON like `logInputs`; NaN and ±Infinity become strings. Throws `ERR_SPAN_INVALID` with the path of a
 * value that cannot be written: an unknown field, a cycle, more than 100 levels of children or 250 of JSON.
 */
export function toSpanJson(span: SpanInput | SpanJson, options: SpanJsonOptions = {}): SpanJson {
  const conversion = { mask: toSafeMasker(options.mask), parents: [], counter: { spans: 0 } };
  return convertSpan('span', span, conversion);
}

function convertSpan(path: string, span: unknown, conversion: Conversion): SpanJson {
  if (typeof span !== 'object' || span === null || Array.isArray(span)) {
    reject(path, span, 'an object', 'Pass an object such as { name, startedAt, finishedAt }.');
  }
  if (conversion.parents.includes(span)) {
    throw invalid(path, 'also one of its ancestors', 'a tree', 'Use each span object only once in a tree.');
  }
  conversion.counter.spans += 1;
  const isTooDeep = conversion.parents.length > MAX_SPAN_DEPTH;
  if (isTooDeep || conversion.counter.spans > MAX_SPANS) {
    const most = `at most ${MAX_SPAN_DEPTH} levels of children and ${MAX_SPANS} spans`;
    const found = isTooDeep ? 'too deep' : 'one span too many';
    throw invalid(path, found, most, 'Log parts of the trace as separate spans.');
  }
  const inner = { ...conversion, parents: [...conversion.parents, span] };
  const { error, ...fields } = span as Record<string, unknown>;
  const json = convertFields(path, fields, SPAN_FIELDS, inner) as SpanJson;
  return error === undefined ? json : withError(json, error, conversion.mask);
}

/** Builds the fields in their order. Omits fields that are `undefined` or `null`, because Polyaxon omits fields that are None. */
function convertFields(
  path: string,
  fields: Readonly<Record<string, unknown>>,
  table: readonly Field[],
  conversion: Conversion,
): Record<string, unknown> {
  for (const key of Object.keys(fields)) {
    if (table.some(([jsonName, name]) => key === jsonName || key === name)) continue;
    const names = table.map(([, name]) => name).join(', ');
    throw invalid(`${path}.${key}`, 'an unknown field', names, 'Put other values into `metadata`.');
  }
  const json: Record<string, unknown> = {};
  for (const [jsonName, name, parse] of table) {
    const ours = fields[name] ?? undefined;
    const theirs = jsonName === name ? undefined : (fields[jsonName] ?? undefined);
    if (ours !== undefined && theirs !== undefined) {
      throw invalid(`${path}.${jsonName}`, `also given as ${name}`, 'only one of them', 'Omit one of them.');
    }
    const value = ours ?? theirs;
    if (value === undefined) continue;
    json[jsonName] = parse(`${path}.${ours === undefined ? jsonName : name}`, value, conversion);
  }
  return json;
}

function withError(span: SpanJson, error: unknown, mask: SpanMasker | undefined): SpanJson {
  const description = describeError(error, mask);
  const condition = toErrorCondition(description, span.finished_at);
  return orderSpan({
    ...span,
    status: span.status ?? 'failed',
    status_conditions: [...(span.status_conditions ?? []), condition],
    metadata: { [ERROR_KEY]: description, ...span.metadata },
  });
}

/** Returns the span with its fields in Polyaxon's order. */
export function orderSpan(span: SpanJson): SpanJson {
  const entries = SPAN_FIELDS.map(([key]) => [key, span[key as keyof SpanJson]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** Checks a uuid with the rules of Python's `uuid.UUID`: 32 hex digits, dashes anywhere. */
function parseUuid(path: string, value: unknown): string {
  const compact = typeof value === 'string' ? value.replaceAll('-', '').toLowerCase() : '';
  return /^[0-9a-f]{32}$/.test(compact)
    ? compact
    : reject(path, value, '32 hex digits', 'Omit it, or pass a UUID.');
}

function parseText(path: string, value: unknown): string {
  if (typeof value === 'string') return toWellFormedText(value).text;
  reject(path, value, 'a string', 'Pass a string.');
}

function parseMaskedText(path: string, value: unknown, { mask }: Conversion): string {
  return cleanText(parseText(path, value), lastName(path), mask);
}

function parseTags(path: string, value: unknown, conversion: Conversion): string[] {
  if (!Array.isArray(value)) reject(path, value, 'an array of strings', 'Pass an array.');
  return value.map((tag, index) => parseMaskedText(`${path}[${index}]`, tag, conversion));
}

function parseStatus(path: string, value: unknown): string {
  if (isSpanStatus(value)) return value;
  reject(path, value, 'a Polyaxon status', `Pass one of ${RUN_STATUSES.join(', ')}.`);
}

function parseKind(path: string, value: unknown): string {
  if (isSpanKind(value)) return value;
  reject(path, value, `one of ${SPAN_KINDS.join(', ')}`, 'Omit it for other spans.');
}

function parseConditionStatus(path: string, value: unknown): string | boolean {
  return typeof value === 'boolean' ? value : parseText(path, value);
}

function parseConditions(path: string, value: unknown, conversion: Conversion): SpanConditionJson[] {
  if (!Array.isArray(value)) reject(path, value, 'an array', 'Pass an array of conditions.');
  return value.map((condition, index) => {
    const itemPath = `${path}[${index}]`;
    if (typeof condition !== 'object' || condition === null) {
      reject(itemPath, condition, 'an object', 'Pass conditions such as { type, message }.');
    }
    return convertFields(itemPath, condition, CONDITION_FIELDS, conversion) as SpanConditionJson;
  });
}

function parseChildren(path: string, value: unknown, conversion: Conversion): SpanJson[] {
  if (!Array.isArray(value)) reject(path, value, 'an array', 'Pass an array of spans.');
  return value.map((child, index) => convertSpan(`${path}[${index}]`, child, conversion));
}

function parseRecord(path: string, value: unknown, { mask, parents }: Conversion): JsonRecord {
  let json: JsonValue;
  try {
    json = parseJsonObject(path, value);
  } catch (cause) {
    if (cause instanceof InvalidArgumentError) {
      throw new InvalidArgumentError('ERR_SPAN_INVALID', cause.message, cause.hint, { cause });
    }
    // A getter or `toJSON` of the caller has thrown, or the value is so deep that the stack overflows.
    throw invalid(path, `unreadable (${messageOf(cause)})`, 'a JSON value', HINT_VALUES, { cause });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    reject(path, value, 'an object of names and values', HINT_VALUES);
  }
  // A span at depth d of `children` begins at level 2d + 1.
  const levels = MAX_JSON_LEVELS - 2 * (parents.length - 1) - 1;
  return finishValue(path, lastName(path), json, levels, mask) as JsonRecord;
}

const HINT_VALUES = 'Log strings, numbers, booleans, arrays and plain objects of them.';

/** Masks the texts of a JSON value, and checks that it has at most `levels` levels. */
function finishValue(
  path: string,
  key: string,
  value: JsonValue,
  levels: number,
  mask: SpanMasker | undefined,
): JsonValue {
  if (typeof value === 'string') return cleanText(value, key, mask);
  if (typeof value !== 'object' || value === null) return value;
  if (levels <= 0) {
    throw invalid(path, 'too deep', `at most ${MAX_JSON_LEVELS} levels of JSON in a span`, HINT_VALUES);
  }
  if (Array.isArray(value)) {
    return value.map((item: JsonValue, index) =>
      finishValue(`${path}[${index}]`, key, item, levels - 1, mask),
    );
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      name,
      finishValue(`${path}.${name}`, name, item, levels - 1, mask),
    ]),
  );
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1).replace(/\[\d+\]$/, '');
}

function reject(path: string, value: unknown, expected: string, hint: string): never {
  throw invalid(path, describe(value), expected, hint);
}

function invalid(
  path: string,
  found: string,
  expected: string,
  hint: string,
  options?: ErrorOptions,
): InvalidArgumentError {
  const message = `${path} is ${found}, expected ${expected}`;
  return new InvalidArgumentError('ERR_SPAN_INVALID', message, hint, options);
}
