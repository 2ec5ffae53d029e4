/**
 * Runs a plan: some files at a time, each run's own record last, and no file in the way of another.
 *
 * A file that fails is reported and left; a file that does not hold still goes to the end of the queue, at most `MAX_TRIES` times. Only a
 * failure of the store itself ends the pass early, and then everything that is left is reported as unsent for the same reason.
 */

import type { CodedError } from '../src/errors.js';
import { FileError, StoreError } from './errors.js';
import type { PlannedAction, SyncPlan } from './plan.js';
import { RunQueue } from './run-queue.js';
import { type SendAction, type SendContext, type SendOutcome, sendFile } from './send-file.js';

/** Failure row 19 of the design: after this many tries a file is reported as unstable. */
const MAX_TRIES = 5;
const FIRST_PAUSE_MS = 50;

export interface TransferResult {
  readonly key: string;
  readonly sizeBytes: number;
  readonly outcome: FinalOutcome;
}

type FinalOutcome = Exclude<SendOutcome, { status: 'changed' }>;

/** Does what the plan says. Resolves with one result for each upload and verification; rejects only for a mistake in this program. */
export async function runPlan(
  plan: SyncPlan,
  context: SendContext,
  options: { concurrency: number },
): Promise<TransferResult[]> {
  const transfer = new Transfer(plan, context);
  const workers = await Promise.allSettled(
    Array.from({ length: options.concurrency }, () => transfer.work()),
  );
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
  return transfer.results;
}

interface Task {
  readonly runUuid: string;
  readonly phase: number;
  readonly action: SendAction;
  readonly tries: number;
}

class Transfer {
  readonly results: TransferResult[] = [];
  readonly #context: SendContext;
  readonly #queue: RunQueue<Task>;

  constructor(plan: SyncPlan, context: SendContext) {
    this.#context = context;
    this.#queue = new RunQueue(plan.actions.filter(isSend).map((action) => toTask(action, 0)));
  }

  /** One worker: takes tasks until none is left and none can come. */
  async work(): Promise<void> {
    for (let task = await this.#queue.take(); task !== null; task = await this.#queue.take()) {
      const again: { task?: Task } = {};
      try {
        const outcome = await this.#run(task);
        if (outcome.status === 'changed') again.task = this.#toNext(outcome.next, task.tries + 1);
        else this.#settle(task.action, outcome);
      } catch (error) {
        this.#queue.drain();
        throw error;
      } finally {
        this.#queue.settle(task, again.task);
      }
    }
  }

  async #run({ action, tries }: Task): Promise<SendOutcome> {
    const { io, onEvent, signal } = this.#context;
    try {
      signal?.throwIfAborted();
      if (tries === MAX_TRIES) return { status: 'failed', error: unstable(action) };
      if (tries > 0)
        await io.clock.sleep(FIRST_PAUSE_MS * 2 ** tries * (0.5 + io.randomness.fraction()), signal);
      onEvent({ kind: 'started', key: action.key, sizeBytes: action.file.sizeBytes, reason: action.reason });
      return await sendFile(action, this.#context);
    } catch (error) {
      if (signal?.aborted !== true) throw error;
      this.#stop(aborted);
      return { status: 'failed', error: aborted(action) };
    }
  }

  #toNext(action: SendAction, tries: number): Task {
    this.#context.onEvent({ kind: 'requeued', key: action.key, attempt: tries });
    return toTask(action, tries);
  }

  #settle(action: SendAction, outcome: FinalOutcome): void {
    this.#report(action, outcome);
    if (outcome.status !== 'failed') return;
    const { error } = outcome;
    if (error instanceof StoreError && error.concernsAllFiles) this.#stop(() => error);
  }

  /** Reports all that has not begun as unsent. */
  #stop(toError: (action: SendAction) => CodedError): void {
    for (const { action } of this.#queue.drain())
      this.#report(action, { status: 'failed', error: toError(action) });
  }

  #report(action: SendAction, outcome: FinalOutcome): void {
    const { key, file } = action;
    this.results.push({ key, sizeBytes: file.sizeBytes, outcome });
    const { onEvent } = this.#context;
    switch (outcome.status) {
      case 'stored':
        onEvent({ kind: 'stored', key, sizeBytes: outcome.sizeBytes, reason: outcome.reason });
        break;
      case 'verified':
        onEvent({ kind: 'verified', key, sizeBytes: outcome.sizeBytes });
        break;
      case 'failed':
        onEvent({ kind: 'unsent', key, error: outcome.error });
    }
  }
}

function isSend(action: PlannedAction): action is SendAction {
  return action.action !== 'skip';
}

function toTask(action: SendAction, tries: number): Task {
  return { runUuid: action.runUuid, phase: action.phase, action, tries };
}

function unstable({ file }: SendAction): FileError {
  const found = `it changed each of the ${MAX_TRIES} times that it was read`;
  return new FileError('ERR_FILE_UNSTABLE', file.relPath, found, 'Sync again when nothing writes into it.');
}

function aborted({ file }: SendAction): FileError {
  return new FileError(
    'ERR_ABORTED',
    file.relPath,
    'the sync was interrupted before it was sent',
    'Sync again.',
  );
}
