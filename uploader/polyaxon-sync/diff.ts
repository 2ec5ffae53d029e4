/**
 * Compares what a server should know about a run with what it knows, and returns the requests that bring it up to date. Pure.
 *
 * Only items that the program has set are sent, so values of other clients are kept. Answers of the server change only `known`.
 */

import type { V1RunArtifact, V1StatusCondition } from '../../src/polyaxon/api-types.js';
import { toHash } from '../base/canonical-json.js';
import type { PolyaxonRun } from '../polyaxon-api/types.js';
import {
  type FieldItem,
  findInLineage,
  findOnServer,
  type Item,
  type LineageItem,
  toBatches,
  toListHash,
} from './items.js';
import type { Known } from './known.js';
import { WRITER_LOST } from './status-machine.js';

/** What a server should know. */
export interface Desired {
  readonly fields: readonly FieldItem[];
  readonly lineage: readonly LineageItem[];
  /** The conditions without the end status, oldest first. */
  readonly conditions: readonly V1StatusCondition[];
  readonly end: End | null;
  /** The parts of which new values of names that the server knows are sent. Those of other parts wait for a later round. */
  readonly due: readonly Part[];
}

/** What is reported once the run is complete. */
export interface End {
  /** All conditions. */
  readonly conditions: readonly V1StatusCondition[];
  /** At most one item. */
  readonly duration: readonly FieldItem[];
  /** Of the conditions and of the data reported with them. */
  readonly hash: string;
}

export type SyncRequest =
  /** Reads the statuses of the server and posts those that are missing. */
  | { readonly kind: 'statuses'; readonly conditions: readonly V1StatusCondition[]; readonly hash: string }
  | { readonly kind: 'lineage'; readonly items: readonly LineageItem[] }
  | { readonly kind: 'fields'; readonly items: readonly FieldItem[] }
  /** Removes acknowledged tags and entries of maps. */
  | { readonly kind: 'remove'; readonly keys: readonly string[] }
  /** Reads the lineage or the fields, to learn what the server has or to verify what was sent. */
  | { readonly kind: 'read'; readonly what: Part }
  /** Like `statuses`, with the end status and the duration, and checks that the server has the status. */
  | ({ readonly kind: 'end' } & End);

/** The parts of a run that are read separately. */
export type Part = 'lineage' | 'fields';
export const PARTS: readonly Part[] = ['lineage', 'fields'];

/** The server finds artifacts with a query that has one condition for each; SQLite allows a thousand. */
const MAX_ITEMS = { lineage: 100, fields: 1_000 };

/**
 * Returns the next requests, in order; none if the server knows everything. What follows a `read` depends on the answer, so compare again
 * after the requests. The end status comes last, after everything that was sent has been read back: a server that failed to write the lineage
 * may report success (haupt 2.16.1, `atomic_set_artifacts`).
 */
export function diff(desired: Desired, known: Known): SyncRequest[] {
  const { conditions, end } = desired;
  const isEnded = end !== null && known.final === end.hash;
  const requests: SyncRequest[] = [];
  const hash = toStatusHash(conditions);
  if (!isEnded && !known.isManaged && conditions.length > 0 && known.items.get('status') !== hash)
    requests.push({ kind: 'statuses', conditions, hash });

  const lineage = findChanged(desired.lineage, known);
  if (lineage.length > 0 && !known.hasLineage) return [...requests, { kind: 'read', what: 'lineage' }];
  const due = new Set(desired.due);
  const isDue = (item: Item): boolean =>
    due.has(partOf(item)) || !isValue(item) || !known.items.has(item.key);
  const keys = findRemoved(desired.fields, known);
  if (keys.length > 0) requests.push({ kind: 'remove', keys });
  // The last values of a thousand metrics are one request, their summaries in the lineage ten slow ones.
  const fields = findChanged(desired.fields, known).filter(isDue);
  for (const items of toBatches(fields, MAX_ITEMS.fields)) requests.push({ kind: 'fields', items });
  for (const items of toBatches(lineage.filter(isDue), MAX_ITEMS.lineage))
    requests.push({ kind: 'lineage', items });
  if (requests.length > 0 || end === null || isEnded) return requests;

  for (const what of PARTS) {
    const sent = findSent(what, desired, known);
    if (sent.length > 0 && known.verified.get(what) !== toListHash(sent))
      requests.push({ kind: 'read', what });
  }
  if (requests.length > 0) return requests;
  return [{ kind: 'end', ...end, ...(known.isManaged ? { conditions: [], duration: [] } : {}) }];
}

/** Returns the acknowledged items. Of the fields, those that this process sent, so that later changes by other clients are kept. */
function findSent(what: Part, desired: Desired, { items, sent }: Known): readonly Item[] {
  const isSent = ({ key, hash }: Item): boolean =>
    items.get(key) === hash && (what === 'lineage' || sent.has(key));
  return desired[what].filter(isSent);
}

/** Records that the server has stored items. */
export function acknowledge(known: Known, items: readonly Item[]): void {
  for (const { key, hash } of items) {
    known.items.set(key, hash);
    known.deferred.delete(key);
    known.quarantine.delete(key);
    known.sent.add(key);
  }
}

/** Records the lineage that was read from the server. Returns the acknowledged items that it does not have. */
export function learnLineage(
  known: Known,
  desired: Desired,
  server: readonly V1RunArtifact[],
): readonly Item[] {
  const found = findInLineage(desired.lineage, server);
  for (const { key, hash } of found) known.items.set(key, hash);
  known.hasLineage = true;
  return verify('lineage', known, desired, found);
}

/** Records the fields that were read from the server. Returns the items that this process sent and that it does not have. */
export function learnFields(known: Known, desired: Desired, server: PolyaxonRun): readonly Item[] {
  return verify('fields', known, desired, findOnServer(desired.fields, server));
}

function verify(what: Part, known: Known, desired: Desired, found: readonly Item[]): readonly Item[] {
  const keys = new Set(found.map(({ key }) => key));
  const sent = findSent(what, desired, known);
  const lost = sent.filter(({ key }) => !keys.has(key));
  for (const { key } of lost) known.items.delete(key);
  if (lost.length === 0) known.verified.set(what, toListHash(sent));
  return lost;
}

function partOf(item: Item): Part {
  return 'artifact' in item ? 'lineage' : 'fields';
}

/** Whether an item changes with each step of the program. */
function isValue(item: Item): boolean {
  return 'artifact' in item || item.field === 'outputs';
}

function findChanged<Found extends Item>(items: readonly Found[], known: Known): Found[] {
  return items.filter((item) => !isSettled(item, known));
}

/** Whether the server has acknowledged or rejected the current value of an item, or failed to process it. */
export function isSettled({ key, hash }: Item, { items, deferred, quarantine }: Known): boolean {
  return items.get(key) === hash || deferred.get(key)?.hash === hash || quarantine.get(key)?.hash === hash;
}

/** Returns the keys of acknowledged tags and map fields that were removed since. */
function findRemoved(items: readonly FieldItem[], { items: known }: Known): string[] {
  const keys = new Set(items.map(({ key }) => key));
  return [...known.keys()].filter((key) => /^(tags|inputs|outputs|meta_info):/.test(key) && !keys.has(key));
}

/** Returns a hash of conditions. Excludes the time of `WriterLost`, which differs each time that the loss is detected. */
export function toStatusHash(conditions: readonly V1StatusCondition[]): string {
  return toHash(
    conditions.map(({ type, reason, message, last_transition_time }) =>
      reason === WRITER_LOST ? [type, message] : [type, message, last_transition_time],
    ),
  );
}
