/** Sends the items of one run to a server, reads them back, and records what the server acknowledged. */

import type { Clock } from '../../src/base/clock.js';
import type { CodedError } from '../../src/base/errors.js';
import type { V1StatusCondition } from '../../src/polyaxon/api-types.js';
import { toHash } from '../base/canonical-json.js';
import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import type { PolyaxonClient } from '../polyaxon-api/client.js';
import type { PolyaxonRun, RunRef } from '../polyaxon-api/types.js';
import type { Acknowledged } from './acknowledged.js';
import {
  type FieldItem,
  findChanged,
  findInLineage,
  findOnServer,
  findProblem,
  findRemoved,
  type LineageItem,
  toPatch,
  toRemoval,
} from './items.js';
import { Quarantine } from './quarantine.js';
import { sendItems } from './send-items.js';
import { isDone, planStatuses, WRITER_LOST } from './status-machine.js';

export interface RunSessionOptions {
  readonly client: PolyaxonClient;
  readonly clock: Clock;
  readonly ref: RunRef;
  /** The run on the server at the start of the session. */
  readonly server: PolyaxonRun;
  readonly acknowledged: Acknowledged;
  readonly onStatus: (status: string) => void;
  readonly onRefused: (item: string, error: CodedError) => void;
  /** Called when the server has acknowledged a request. */
  readonly onProgress: () => void;
}

/** Whether to send an item now. Other items are sent later. */
export type IsDue = (item: FieldItem | LineageItem) => boolean;

/** The largest body, below the limits of servers and their proxies: Django's limit is 2.5 MB. */
const MAX_BODY_BYTES = 1024 * 1024;
/** The server finds artifacts with a query that has one condition for each; SQLite allows a thousand. */
const MAX_ARTIFACTS = 100;
const MAX_FIELDS = 1_000;
const READ_BACKS = 3;

export class RunSession {
  readonly acknowledged: Acknowledged;
  readonly #options: RunSessionOptions;
  readonly #quarantine = new Quarantine();
  /** Keys of the items that this process sent. */
  readonly #sent = new Set<string>();
  /** Hashes of data that was read back and equal, so that it is not read again if a later answer is lost. */
  readonly #verified = new Map<string, string>();

  constructor(options: RunSessionOptions) {
    this.#options = options;
    this.acknowledged = options.acknowledged;
  }

  get ref(): RunRef {
    return this.#options.ref;
  }

  /** Whether Polyaxon manages the run, and therefore sets its statuses. */
  get isManaged(): boolean {
    const { managed_by } = this.#options.server;
    return managed_by != null && managed_by !== 'user';
  }

  /** Items that the server rejects or fails to process. */
  get refused(): { readonly item: string; readonly code: string; readonly message: string }[] {
    const deferred = [...this.acknowledged.deferred].map(([item, { code, message }]) => ({
      item,
      code,
      message,
    }));
    return [...deferred, ...this.#quarantine.list()];
  }

  /** Sends the statuses that do not end the run. */
  async syncStatuses(wanted: readonly V1StatusCondition[], signal: AbortSignal): Promise<void> {
    const { items } = this.acknowledged;
    const hash = toStatusHash(wanted);
    if (this.isManaged || wanted.length === 0 || items.get('status') === hash) return;
    await this.#postStatuses(wanted, signal);
    items.set('status', hash);
  }

  async syncLineage(items: readonly LineageItem[], isDue: IsDue, signal: AbortSignal): Promise<void> {
    const { acknowledged, ref } = this;
    const { client } = this.#options;
    if (findChanged(items, acknowledged).length === 0) return;
    if (!acknowledged.hasLineage) {
      const server = await client.getLineage(ref, { signal });
      for (const { key, hash } of findInLineage(items, server)) acknowledged.items.set(key, hash);
      acknowledged.hasLineage = true;
    }
    const changed = findChanged(items, acknowledged).filter(isDue);
    await this.#send(changed, MAX_ARTIFACTS, signal, (batch) =>
      client.postLineage(
        ref,
        batch.map(({ artifact }) => artifact),
        { signal },
      ),
    );
  }

  async syncFields(items: readonly FieldItem[], isDue: IsDue, signal: AbortSignal): Promise<void> {
    const { acknowledged, ref } = this;
    const { client } = this.#options;
    const removed = findRemoved(items, acknowledged);
    if (removed.length > 0) {
      const server = await client.getRun(ref, { signal });
      const body = server === null ? null : toRemoval(removed, server);
      if (body !== null) await client.patchRun(ref, body, { signal });
      for (const key of removed) acknowledged.items.delete(key);
    }
    const changed = findChanged(items, acknowledged).filter(isDue);
    await this.#send(changed, MAX_FIELDS, signal, async (batch) => {
      await client.patchRun(ref, toPatch(batch), { signal });
    });
  }

  /** Sends the lineage until the server has it: a server that failed to write it may report success (haupt 2.16.1, `atomic_set_artifacts`). */
  async readBackLineage(items: readonly LineageItem[], signal: AbortSignal): Promise<void> {
    const find = async (sent: readonly LineageItem[]): Promise<LineageItem[]> =>
      findInLineage(sent, await this.#options.client.getLineage(this.ref, { signal }));
    const sent = items.filter(({ key, hash }) => this.acknowledged.items.get(key) === hash);
    await this.#readBack('lineage', sent, find, () => this.syncLineage(items, () => true, signal));
  }

  /** Reads back only the fields that this process sent, so that later changes by others are kept. */
  async readBackFields(items: readonly FieldItem[], signal: AbortSignal): Promise<void> {
    const find = async (sent: readonly FieldItem[]): Promise<FieldItem[]> => {
      const server = await this.#options.client.getRun(this.ref, { signal });
      if (server !== null) return findOnServer(sent, server);
      throw new PolyaxonApiError('ERR_API_RUN_MISSING', `the run ${this.ref.uuid} no longer exists`);
    };
    const sent = items.filter(
      ({ key, hash }) => this.#sent.has(key) && this.acknowledged.items.get(key) === hash,
    );
    await this.#readBack('data', sent, find, () => this.syncFields(items, () => true, signal));
  }

  /** Sets the end status and checks that the server has it. */
  async end(wanted: readonly V1StatusCondition[], signal: AbortSignal): Promise<void> {
    if (this.isManaged) return;
    const { posts, outcome } = await this.#postStatuses(wanted, signal);
    if (posts.length === 0 || outcome === 'other-client') return;
    const { status } = await this.#options.client.getStatuses(this.ref, { signal });
    if (isDone(status)) return;
    const message = `set the status of the run ${this.ref.uuid}: the server accepted it, but its status is still ${status}`;
    throw new PolyaxonApiError('ERR_API_SERVER', message, { failureCode: 'InternalError' });
  }

  async #postStatuses(wanted: readonly V1StatusCondition[], signal: AbortSignal) {
    const { client, onStatus, onProgress } = this.#options;
    const plan = planStatuses(await client.getStatuses(this.ref, { signal }), wanted);
    for (const { condition, force } of plan.posts) {
      await client.postStatus(this.ref, condition, { force, signal });
      onProgress();
      onStatus(condition.type);
    }
    return plan;
  }

  async #readBack<Item extends FieldItem | LineageItem>(
    what: string,
    sent: readonly Item[],
    find: (sent: readonly Item[]) => Promise<Item[]>,
    resend: () => Promise<void>,
  ): Promise<void> {
    const hash = toHash(sent.map((item) => [item.key, item.hash]));
    if (sent.length === 0 || this.#verified.get(what) === hash) return;
    for (let round = 1; ; round += 1) {
      const found = new Set((await find(sent)).map(({ key }) => key));
      const lost = sent.filter(({ key }) => !found.has(key));
      if (lost.length === 0) {
        this.#verified.set(what, hash);
        this.#options.onProgress();
        return;
      }
      if (round > READ_BACKS) throw notStored(this.ref, what, lost);
      for (const { key } of lost) this.acknowledged.items.delete(key);
      await resend();
    }
  }

  async #send<Item extends FieldItem | LineageItem>(
    items: readonly Item[],
    maxItems: number,
    signal: AbortSignal,
    send: (batch: readonly Item[]) => Promise<void>,
  ): Promise<void> {
    const nowMs = this.#options.clock.monotonicMs();
    const fitting = items.filter((item) => {
      const problem = findProblem(item);
      if (problem !== null) this.#park(item, problem);
      return problem === null && !this.#quarantine.has(item, nowMs);
    });
    let isNarrowing = false;
    await sendItems(fitting, {
      maxBytes: MAX_BODY_BYTES,
      maxItems,
      send: async (batch) => {
        try {
          await send(batch);
        } catch (error) {
          if (!isFailure(error) || !(this.#quarantine.strike(batch) || isNarrowing)) throw error;
          // Rejects if the server fails to answer other requests too.
          await this.#options.client.getRun(this.ref, { signal });
          isNarrowing = true;
          throw new PolyaxonApiError('ERR_API_INVALID', error.message, {}, { cause: error });
        }
      },
      onSent: (batch) => this.#onSent(batch),
      onRefused: (item, error) => {
        if (isFailure(error.cause)) this.#quarantine.add(item, error.message, nowMs);
        else this.#park(item, error);
      },
    });
  }

  #onSent(items: readonly (FieldItem | LineageItem)[]): void {
    const { acknowledged } = this;
    for (const { key, hash } of items) {
      acknowledged.items.set(key, hash);
      acknowledged.deferred.delete(key);
      this.#sent.add(key);
    }
    this.#quarantine.clear(items);
    this.#options.onProgress();
  }

  #park({ key, hash }: FieldItem | LineageItem, error: PolyaxonApiError): void {
    const { code, message } = error;
    this.acknowledged.deferred.set(key, { hash, code, message });
    this.#options.onRefused(key, error);
  }
}

/** Returns a hash of conditions. Excludes the time of `WriterLost`, which differs each time that the loss is detected. */
export function toStatusHash(conditions: readonly V1StatusCondition[]): string {
  return toHash(
    conditions.map(({ type, reason, message, last_transition_time }) =>
      reason === WRITER_LOST ? [type, message] : [type, message, last_transition_time],
    ),
  );
}

function isFailure(error: unknown): error is PolyaxonApiError {
  return error instanceof PolyaxonApiError && error.code === 'ERR_API_SERVER';
}

function notStored(ref: RunRef, what: string, items: readonly { readonly key: string }[]): PolyaxonApiError {
  const names = items.slice(0, 5).map(({ key }) => key);
  const message = `the ${what} of the run ${ref.uuid} on the server differs from what was sent: ${names.join(', ')}`;
  return new PolyaxonApiError('ERR_API_CONFLICT', message, { httpStatus: 409 });
}
