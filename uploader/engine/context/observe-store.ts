/** Reports each call to a store: how long it took and how it ended. */

import type { Clock } from '../../../src/base/clock.js';
import { OutcomeError } from '../../base/retry-table.js';
import type { Store } from '../../store/base/store.js';

/** The calls that send requests. A call is one attempt; one of a large file sends several requests. */
const STORE_OPERATIONS = [
  ...(['check', 'list', 'head', 'read'] as const),
  ...(['stage', 'commit', 'append', 'remove', 'collect'] as const),
] satisfies readonly (keyof Store)[];

export interface StoreCall {
  readonly operation: (typeof STORE_OPERATIONS)[number];
  /** `retry`: the same call may succeed later. `aborted`: the caller has stopped it. */
  readonly result: 'ok' | 'retry' | 'failed' | 'aborted';
  /** Without the time that a caller needs for the items of a stream. */
  readonly durationMs: number;
}

export type OnStoreCall = (call: StoreCall) => void;

/** Returns a store that does the same and reports its calls. */
export function observeStore(store: Store, clock: Clock, onCall: OnStoreCall): Store {
  const isObserved = new Set<PropertyKey>(STORE_OPERATIONS);
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (!isObserved.has(name)) return member.bind(target);
      const operation = name as StoreCall['operation'];
      return (...args: unknown[]): unknown => {
        const startMs = clock.monotonicMs();
        const report = (result: StoreCall['result'], durationMs = clock.monotonicMs() - startMs): void =>
          onCall({ operation, result, durationMs });
        const answer: unknown = member.apply(target, args);
        return isStream(answer) ? observeStream(answer, clock, report) : observeCall(answer, report);
      };
    },
  });
}

type Report = (result: StoreCall['result'], durationMs?: number) => void;

async function observeCall(call: unknown, report: Report): Promise<unknown> {
  try {
    const outcome = await call;
    report(resultOf(outcome));
    return outcome;
  } catch (error) {
    report('aborted');
    throw error;
  }
}

async function* observeStream<Item>(
  items: AsyncIterable<Item>,
  clock: Clock,
  report: Report,
): AsyncGenerator<Item, void> {
  let durationMs = 0;
  let result: StoreCall['result'] = 'ok';
  let startMs = clock.monotonicMs();
  try {
    for await (const item of items) {
      durationMs += clock.monotonicMs() - startMs;
      yield item;
      startMs = clock.monotonicMs();
    }
  } catch (error) {
    result = error instanceof OutcomeError ? error.outcome.status : 'aborted';
    throw error;
  } finally {
    report(result, durationMs + clock.monotonicMs() - startMs);
  }
}

/** Outcomes such as `conflict` are answers of a store that works. */
function resultOf(outcome: unknown): StoreCall['result'] {
  const status: unknown = (outcome as { readonly status?: unknown } | undefined)?.status;
  return status === 'retry' || status === 'failed' ? status : 'ok';
}

function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
