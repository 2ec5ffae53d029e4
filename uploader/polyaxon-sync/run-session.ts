/** Sends the requests that `diff` finds for one run, until the server knows everything. */

import type { Clock } from '../../src/base/clock.js';
import type { CodedError } from '../../src/base/errors.js';
import type { V1StatusCondition } from '../../src/polyaxon/api-types.js';
import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import type { PolyaxonClient } from '../polyaxon-api/client.js';
import type { RunRef } from '../polyaxon-api/types.js';
import {
  acknowledge,
  type Desired,
  diff,
  type End,
  isSettled,
  learnFields,
  learnLineage,
  type Part,
  type SyncRequest,
} from './diff.js';
import { type FieldItem, type Item, toListHash, toPatch, toRemoval } from './items.js';
import type { Known } from './known.js';
import { sendItems } from './send-items.js';
import { isFinalStatus, planStatuses } from './status-machine.js';

export interface RunSessionOptions {
  readonly client: PolyaxonClient;
  readonly clock: Clock;
  readonly ref: RunRef;
  readonly known: Known;
  readonly onStatus: (status: string) => void;
  readonly onRefused: (item: string, error: CodedError) => void;
  /** Called when the server has acknowledged a request. */
  readonly onProgress: () => void;
}

const READ_BACKS = 3;
/** After this many failures of a request, the cause may be its items and not an outage. */
const MAX_STRIKES = 5;
/** How long an item that the server fails to process is not sent again. */
const QUARANTINE_MS = 600_000;
/** Source: haupt 2.16.1, `db/abstracts/artifacts.py`, and its tags on PostgreSQL: values above these lengths cause a database error. */
const MAX_LENGTH = { name: 256, path: 256, tag: 64 };

export class RunSession {
  readonly ref: RunRef;
  readonly known: Known;
  readonly #options: RunSessionOptions;
  /** How long the last sync spent on sending each part that it sent, in milliseconds. */
  readonly tookMs = new Map<Part, number>();
  /** How often requests have failed, by the hash of their items. */
  readonly #strikes = new Map<string, number>();
  /** How often the server did not have what it had acknowledged, in a row. */
  readonly #losses = new Map<Part, number>();
  /** Where failed requests are being narrowed down to the items that cause them. */
  readonly #narrowing = new Set<Part>();

  constructor(options: RunSessionOptions) {
    this.#options = options;
    this.ref = options.ref;
    this.known = options.known;
  }

  /** Items that the server rejects or fails to process. */
  get refused(): { readonly item: string; readonly code: string; readonly message: string }[] {
    const { deferred, quarantine } = this.known;
    return [
      ...[...deferred].map(([item, { code, message }]) => ({ item, code, message })),
      ...[...quarantine].map(([item, { message }]) => ({ item, code: 'ERR_API_SERVER', message })),
    ];
  }

  /** Throws `PolyaxonApiError` for errors that concern more than a single item. What was sent until then is in `known`. */
  async sync(desired: Desired, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const { quarantine } = this.known;
    this.tookMs.clear();
    this.#losses.clear();
    this.#narrowing.clear();
    for (const [key, { untilMs }] of quarantine) if (clock.monotonicMs() >= untilMs) quarantine.delete(key);
    for (;;) {
      const requests = diff(desired, this.known);
      if (requests.length === 0) return;
      // Reads do not depend on each other.
      if (requests.every(({ kind }) => kind === 'read'))
        await Promise.all(requests.map((request) => this.#send(request, desired, signal)));
      else for (const request of requests) await this.#send(request, desired, signal);
    }
  }

  async #send(request: SyncRequest, desired: Desired, signal: AbortSignal): Promise<void> {
    const { known, ref } = this;
    const { client } = this.#options;
    switch (request.kind) {
      case 'statuses':
        await this.#postStatuses(request.conditions, signal);
        known.items.set('status', request.hash);
        return;
      case 'lineage':
        return this.#sendItems('lineage', request.items, signal, (items) =>
          client.postLineage(
            ref,
            items.map(({ artifact }) => artifact),
            { signal },
          ),
        );
      case 'fields':
        return this.#sendFields(request.items, signal);
      case 'remove': {
        const server = await client.getRun(ref, { signal });
        const body = server === null ? null : toRemoval(request.keys, server);
        if (body !== null) await client.patchRun(ref, body, { signal });
        for (const key of request.keys) known.items.delete(key);
        return;
      }
      case 'read':
        return this.#read(request.what, desired, signal);
      case 'end':
        if (request.conditions.length > 0) await this.#end(request, signal);
        known.final = request.hash;
        this.#options.onProgress();
        return;
    }
  }

  async #read(what: Part, desired: Desired, signal: AbortSignal): Promise<void> {
    const { known, ref } = this;
    const { client, onProgress } = this.#options;
    let lost: readonly Item[];
    if (what === 'lineage') lost = learnLineage(known, desired, await client.getLineage(ref, { signal }));
    else {
      const server = await client.getRun(ref, { signal });
      if (server === null)
        throw new PolyaxonApiError('ERR_API_RUN_MISSING', `the run ${ref.uuid} no longer exists`);
      lost = learnFields(known, desired, server);
    }
    const losses = lost.length === 0 ? 0 : (this.#losses.get(what) ?? 0) + 1;
    this.#losses.set(what, losses);
    if (losses > READ_BACKS) throw notStored(ref, what, lost);
    if (losses === 0) onProgress();
  }

  /** Sets the duration and the end status, and checks that the server has the status. */
  async #end({ conditions, duration }: End, signal: AbortSignal): Promise<void> {
    const { posts, outcome } = await this.#postStatuses(conditions, signal, duration);
    if (posts.length === 0 || outcome === 'other-client') return;
    const { status } = await this.#options.client.getStatuses(this.ref, { signal });
    if (isFinalStatus(status)) return;
    const message = `set the status of the run ${this.ref.uuid}: the server accepted it, but its status is still ${status}`;
    throw new PolyaxonApiError('ERR_API_SERVER', message, { failureCode: 'InternalError' });
  }

  /**
   * `duration` is sent before the end status, because the server measures the duration of a run that has none until the end is reported.
   * That of a resumed run it never changes (haupt 2.16.1, `LifeCycle.set_finished_at`).
   */
  async #postStatuses(
    conditions: readonly V1StatusCondition[],
    signal: AbortSignal,
    duration: readonly FieldItem[] = [],
  ) {
    const { client, onStatus, onProgress } = this.#options;
    const plan = planStatuses(await client.getStatuses(this.ref, { signal }), conditions);
    const changed = duration.filter((item) => !isSettled(item, this.known));
    if (plan.outcome === 'ours') await this.#sendFields(changed, signal);
    for (const { condition, force } of plan.posts) {
      await client.postStatus(this.ref, condition, { force, signal });
      onProgress();
      onStatus(condition.type);
    }
    return plan;
  }

  async #sendFields(items: readonly FieldItem[], signal: AbortSignal): Promise<void> {
    return this.#sendItems('fields', items, signal, async (batch) => {
      await this.#options.client.patchRun(this.ref, toPatch(batch), { signal });
    });
  }

  async #sendItems<Sent extends Item>(
    part: Part,
    items: readonly Sent[],
    signal: AbortSignal,
    send: (items: readonly Sent[]) => Promise<void>,
  ): Promise<void> {
    const { client, clock, onProgress } = this.#options;
    const { quarantine } = this.known;
    const fitting = items.filter((item) => {
      const problem = findProblem(item);
      if (problem !== null) this.#park(item, problem);
      return problem === null;
    });
    if (fitting.length === 0) return;
    const startMs = clock.monotonicMs();
    await sendItems(fitting, {
      send: async (batch) => {
        try {
          await send(batch);
        } catch (error) {
          if (!isFailure(error)) throw error;
          const strikes = (this.#strikes.get(toListHash(batch)) ?? 0) + 1;
          this.#strikes.set(toListHash(batch), strikes);
          if (strikes < MAX_STRIKES && !this.#narrowing.has(part)) throw error;
          // Rejects if the server fails to answer other requests too.
          await client.getRun(this.ref, { signal });
          this.#narrowing.add(part);
          throw new PolyaxonApiError('ERR_API_INVALID', error.message, {}, { cause: error });
        }
      },
      onSent: (batch) => {
        if (this.#strikes.size > 0) this.#strikes.delete(toListHash(batch));
        acknowledge(this.known, batch);
        onProgress();
      },
      onRefused: (item, error) => {
        const { key, hash } = item;
        const untilMs = clock.monotonicMs() + QUARANTINE_MS;
        if (isFailure(error.cause)) quarantine.set(key, { hash, message: error.message, untilMs });
        else this.#park(item, error);
      },
    });
    this.tookMs.set(part, (this.tookMs.get(part) ?? 0) + clock.monotonicMs() - startMs);
  }

  #park({ key, hash }: Item, error: PolyaxonApiError): void {
    const { code, message } = error;
    this.known.deferred.set(key, { hash, code, message });
    this.#options.onRefused(key, error);
  }
}

/** Returns why every server rejects an item, or null. */
function findProblem(item: Item): PolyaxonApiError | null {
  const { name = '', path } = 'artifact' in item ? item.artifact : {};
  const tag = 'field' in item && item.field === 'tags' ? item.value : '';
  const texts = Object.entries({ name, path: path ?? '', tag }) as [keyof typeof MAX_LENGTH, string][];
  const [found] = texts.find(([field, text]) => text.length > MAX_LENGTH[field]) ?? [];
  if (found === undefined) return null;
  const message = `${item.key.slice(0, 100)}: its ${found} has more than ${MAX_LENGTH[found]} characters`;
  return new PolyaxonApiError('ERR_API_INVALID', message);
}

function isFailure(error: unknown): error is PolyaxonApiError {
  return error instanceof PolyaxonApiError && error.code === 'ERR_API_SERVER';
}

function notStored(ref: RunRef, what: Part, items: readonly Item[]): PolyaxonApiError {
  const names = items.slice(0, 5).map(({ key }) => key);
  const part = what === 'lineage' ? 'lineage' : 'data';
  const message = `the ${part} of the run ${ref.uuid} on the server differs from what was sent: ${names.join(', ')}`;
  return new PolyaxonApiError('ERR_API_CONFLICT', message, { httpStatus: 409 });
}
