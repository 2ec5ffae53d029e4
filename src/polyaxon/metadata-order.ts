/**
 * Merges what several processes log about one run. The later write of a name wins, whichever process made it. No I/O.
 *
 * Each write of a name has a number from a counter that the processes share (`src/run-directory/order-counter.ts`), so no clocks are
 * compared. A name without a number was written before any other process wrote. A number without a value says that the name was removed.
 */

import { isDeepStrictEqual } from 'node:util';
import type { JsonValue } from '../base/json-value.js';

/** The fields that processes share. A tag is a name without a value. */
const ORDERED_FIELDS = ['tags', 'meta_info', 'inputs', 'outputs'] as const;
type OrderedField = (typeof ORDERED_FIELDS)[number];

type Numbers = Readonly<Record<string, number>>;
/** The number of the last write of each name. */
export type MetadataOrder = Readonly<Partial<Record<OrderedField | 'lineage', Numbers>>>;
/** Names of each field. */
export type MetadataNames = Readonly<Partial<Record<OrderedField, readonly string[]>>>;

interface Metadata {
  readonly tags?: readonly string[];
  readonly meta_info?: Readonly<Record<string, JsonValue>>;
  readonly inputs?: Readonly<Record<string, JsonValue>>;
  readonly outputs?: Readonly<Record<string, JsonValue>>;
}

interface Named {
  readonly name: string;
  readonly kind: string;
}

/** What a process has logged about a run, and when. */
export interface RunData<T extends Metadata, A extends Named> {
  readonly metadata: T;
  readonly lineage: readonly A[];
  readonly order: MetadataOrder;
}

/**
 * Merges what another process has logged. Returns the metadata (`base.metadata` itself if nothing is newer), the order with both, and in
 * `lineage` only the added artifacts that are newer than those in the order.
 */
export function mergeRunData<T extends Metadata, A extends Named>(
  base: Omit<RunData<T, A>, 'lineage'>,
  added: RunData<Metadata, A>,
): RunData<T, A> {
  const fields: Partial<Record<OrderedField, unknown>> = {};
  const order: Partial<Record<OrderedField | 'lineage', Numbers>> = { ...base.order };
  for (const field of ORDERED_FIELDS) {
    const values = toMap(base.metadata, field);
    const later = toMap(added.metadata, field);
    const names = new Set([...later.keys(), ...Object.keys(added.order[field] ?? {})]);
    const numbers = addNewer(base.order[field], added.order[field], names, (name) => {
      if (later.has(name)) values.set(name, later.get(name)!);
      else values.delete(name);
    });
    if (numbers === undefined) continue;
    fields[field] = field === 'tags' ? [...values.keys()] : Object.fromEntries(values);
    order[field] = numbers;
  }
  const isChanged = Object.keys(fields).length > 0;
  const metadata = isChanged ? { ...base.metadata, ...fields } : base.metadata;
  const artifacts = new Map(added.lineage.map((artifact) => [toArtifactKey(artifact), artifact]));
  const lineage: A[] = [];
  const numbers = addNewer(base.order.lineage, added.order.lineage, artifacts.keys(), (key) =>
    lineage.push(artifacts.get(key)!),
  );
  if (numbers !== undefined) order.lineage = numbers;
  return { metadata, lineage, order: isChanged || numbers !== undefined ? order : base.order };
}

/** Calls `add` for the added names that are newer. Returns the numbers of all names; undefined if none is newer. */
function addNewer(
  base: Numbers = {},
  added: Numbers = {},
  names: Iterable<string>,
  add: (name: string) => unknown,
): Numbers | undefined {
  const numbers = new Map(Object.entries(base));
  const later = new Map(Object.entries(added));
  let isChanged = false;
  for (const name of names) {
    const number = later.get(name) ?? 0;
    if (number <= (numbers.get(name) ?? -1)) continue;
    isChanged = true;
    numbers.set(name, number);
    add(name);
  }
  return isChanged ? Object.fromEntries(numbers) : undefined;
}

/** The name of an artifact in an order. */
export function toArtifactKey({ name, kind }: { readonly name: string; readonly kind: string }): string {
  return `${kind}/${name}`;
}

/** Returns the names whose values differ, and those in `written`, whose values may be the same. */
export function findWrittenNames(before: Metadata, after: Metadata, written: MetadataNames): MetadataNames {
  const names: Partial<Record<OrderedField, readonly string[]>> = {};
  for (const field of ORDERED_FIELDS) {
    const [old, now] = [toMap(before, field), toMap(after, field)];
    const changed = [...new Set([...old.keys(), ...now.keys()])].filter(
      (name) => old.has(name) !== now.has(name) || !isDeepStrictEqual(old.get(name), now.get(name)),
    );
    const found = [...new Set([...changed, ...(written[field] ?? [])])];
    if (found.length > 0) names[field] = found;
  }
  return names;
}

/** Returns the largest number of an order; 0 if it has none. */
export function findLargestNumber(order: MetadataOrder): number {
  let largest = 0;
  for (const numbers of Object.values(order)) {
    for (const number of Object.values(numbers)) largest = Math.max(largest, number);
  }
  return largest;
}

/** Returns the order in a file. Drops everything that is not a number of a name. */
export function parseMetadataOrder(value: unknown): MetadataOrder {
  const order: Partial<Record<OrderedField | 'lineage', Numbers>> = {};
  for (const field of [...ORDERED_FIELDS, 'lineage'] as const) {
    const found = isObject(value) ? value[field] : undefined;
    if (!isObject(found)) continue;
    const numbers = Object.entries(found).filter(([, number]) => Number.isSafeInteger(number));
    order[field] = Object.fromEntries(numbers) as Numbers;
  }
  return order;
}

function toMap(metadata: Metadata, field: OrderedField): Map<string, JsonValue> {
  if (field === 'tags') return new Map((metadata.tags ?? []).map((tag) => [tag, true]));
  return new Map(Object.entries(metadata[field] ?? {}));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
