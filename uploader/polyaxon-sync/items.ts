/**
 * Splits the desired data of a run into items that are sent and acknowledged separately: a name, a tag, one input, an entry of the lineage.
 * Pure.
 */

import { toCleanMap } from '../../src/base/clean-json.js';
import type { JsonValue } from '../../src/base/json-value.js';
import type { V1RunArtifact } from '../../src/polyaxon/api-types.js';
import { toHash } from '../base/canonical-json.js';
import type { PatchRunBody, PolyaxonRun } from '../polyaxon-api/types.js';
import type { DesiredRun } from './desired-run.js';
import { toEntryKey } from './lineage-names.js';

const TEXTS = ['name', 'description', 'readme'] as const;
const MAPS = ['inputs', 'outputs', 'meta_info'] as const;
type MapField = (typeof MAPS)[number];

interface ItemBase {
  readonly key: string;
  readonly hash: string;
  /** The approximate size in a request. */
  readonly sizeBytes: number;
}

export type FieldItem = ItemBase &
  (
    | { readonly field: (typeof TEXTS)[number]; readonly value: string }
    | { readonly field: 'duration'; readonly value: number }
    | { readonly field: 'tags'; readonly value: string }
    | { readonly field: MapField; readonly name: string; readonly value: JsonValue }
  );

export interface LineageItem extends ItemBase {
  readonly artifact: V1RunArtifact;
}

export type Item = FieldItem | LineageItem;

/** The largest body, below the limits of servers and their proxies: Django's limit is 2.5 MB. */
const MAX_BODY_BYTES = 1024 * 1024;

export function toFieldItems(run: Omit<DesiredRun, 'creation' | 'duration'>): FieldItem[] {
  const texts = TEXTS.flatMap((field) => {
    const value = run[field];
    return value === null ? [] : [{ ...toBase(field, value), field, value }];
  });
  const tags = run.tags.map((value) => {
    return { ...toBase(`tags:${value}`, value), field: 'tags' as const, value };
  });
  const maps = MAPS.flatMap((field) =>
    Object.entries(run[field]).map(([name, value]) => {
      return { ...toBase(`${field}:${name}`, value, name.length), field, name, value };
    }),
  );
  return [...texts, ...tags, ...maps];
}

/** Returns the duration as an item that is sent with the end status; none while the run is active. */
export function toDurationItem({ duration }: Pick<DesiredRun, 'duration'>): FieldItem[] {
  return duration === null ? [] : [{ ...toBase('duration', duration), field: 'duration', value: duration }];
}

export function toLineageItems(lineage: readonly V1RunArtifact[]): LineageItem[] {
  return lineage.map((artifact) => {
    return { ...toBase(toLineageKey(artifact), toComparable(artifact)), artifact };
  });
}

/** Identifies a list of items and their values. */
export function toListHash(items: readonly Item[]): string {
  return toHash(items.map(({ key, hash }) => [key, hash]));
}

/** Splits items into batches, in order. An item larger than the limit gets its own batch. */
export function toBatches<Found extends { readonly sizeBytes: number }>(
  items: readonly Found[],
  maxItems: number,
  maxBytes = MAX_BODY_BYTES,
): Found[][] {
  const batches: Found[][] = [];
  let sizeBytes = 0;
  for (const item of items) {
    const batch = batches.at(-1);
    if (batch === undefined || batch.length >= maxItems || sizeBytes + item.sizeBytes > maxBytes) {
      batches.push([item]);
      sizeBytes = 0;
    } else batch.push(item);
    sizeBytes += item.sizeBytes;
  }
  return batches;
}

/** Returns the body of a request for items. The server merges maps and tags into its values. */
export function toPatch(items: readonly FieldItem[]): PatchRunBody {
  const body: Record<string, unknown> = {};
  // Entries, because an assignment to the key `__proto__` would set the prototype.
  const maps = new Map<MapField, [string, JsonValue][]>();
  const tags: string[] = [];
  for (const item of items)
    if (item.field === 'tags') tags.push(item.value);
    else if ('name' in item)
      maps
        .set(item.field, maps.get(item.field) ?? [])
        .get(item.field)!
        .push([item.name, item.value]);
    else body[item.field] = item.value;
  for (const [field, entries] of maps) body[field] = Object.fromEntries(entries);
  return { ...body, ...(tags.length === 0 ? {} : { tags }), merge: true };
}

/**
 * Returns the body of the request that removes items, which a merge cannot do: the values of the server without them. Fields that would
 * become empty are skipped, because a server would clear them and Polyaxon's clients never send them. Null if no field remains.
 */
export function toRemoval(keys: readonly string[], server: PolyaxonRun): PatchRunBody | null {
  const removed = new Set(keys);
  const body: Record<string, unknown> = {};
  for (const field of MAPS) {
    if (!keys.some((key) => key.startsWith(`${field}:`))) continue;
    const kept = Object.entries(toCleanMap(server[field])).filter(
      ([name]) => !removed.has(`${field}:${name}`),
    );
    if (kept.length > 0) body[field] = Object.fromEntries(kept);
  }
  const tags = (server.tags ?? []).filter((tag) => !removed.has(`tags:${tag}`));
  if (tags.length > 0 && keys.some((key) => key.startsWith('tags:'))) body.tags = tags;
  return Object.keys(body).length === 0 ? null : body;
}

/** Returns the items that the server already has with equal values. */
export function findOnServer(items: readonly FieldItem[], server: PolyaxonRun): FieldItem[] {
  const tags = new Set(server.tags ?? []);
  const maps = new Map(MAPS.map((field) => [field, toCleanMap(server[field])]));
  return items.filter((item) => {
    if (item.field === 'tags') return tags.has(item.value);
    if (!('name' in item)) return server[item.field] === item.value;
    const map = maps.get(item.field)!;
    return Object.hasOwn(map, item.name) && toHash(map[item.name]) === item.hash;
  });
}

/** Returns the lineage items that the server already has with equal values. */
export function findInLineage(
  items: readonly LineageItem[],
  server: readonly V1RunArtifact[],
): LineageItem[] {
  const hashes = new Set(server.map((each) => `${toLineageKey(each)} ${toHash(toComparable(each))}`));
  return items.filter(({ key, hash }) => hashes.has(`${key} ${hash}`));
}

export function toLineageKey(artifact: Pick<V1RunArtifact, 'name' | 'is_input'>): string {
  return `lineage:${toEntryKey(artifact)}`;
}

/** Returns the part of an entry that a server stores and returns. */
function toComparable({ name, kind, path, summary, is_input }: V1RunArtifact): unknown {
  return { name, kind, path: path ?? null, summary: toCleanMap(summary), is_input: is_input === true };
}

function toBase(key: string, value: unknown, extraBytes = 0): ItemBase {
  const sizeBytes = Buffer.byteLength(JSON.stringify(value)) + extraBytes + 8;
  return { key, hash: toHash(value), sizeBytes };
}
