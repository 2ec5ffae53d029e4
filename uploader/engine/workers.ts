/** Some files at a time: takes them from the queue, sends them, and hands what comes of it to whoever decides what is next. */

import type { ConcurrencyLimit } from '../base/limits/concurrency-limit.js';
import type { Lane } from '../base/limits/lanes.js';
import type { CommitContext, SendOutcome } from '../pipeline/commit/commit-context.js';
import { sendFile } from '../pipeline/commit/send-file.js';
import type { FileId } from '../pipeline/inventory/file-table.js';
import type { WorkQueue } from '../pipeline/plan/work-queue.js';

export interface WorkHandler {
  /** Lanes from which work may be taken now; none while everything waits. */
  lanes(): readonly Lane[];
  /** How long to wait before a file is begun. */
  delayMsOf(id: FileId): number;
  /** A file is done, for now; it may be put back into the queue. */
  onOutcome(id: FileId, outcome: SendOutcome): void;
  /** A file was given up because its signal was aborted. */
  onAborted(id: FileId): void;
  /** Ends what is under way of a lane. */
  signalOf(lane: Lane): AbortSignal;
  /** Whether the workers may go once the queue is empty. */
  readonly endsWhenEmpty: boolean;
}

export interface WorkersOptions {
  readonly queue: WorkQueue;
  readonly context: CommitContext;
  readonly limit: ConcurrencyLimit;
  readonly handler: WorkHandler;
}

export class Workers {
  readonly #options: WorkersOptions;
  readonly #active = new Map<FileId, Lane>();
  #waiting: (() => void)[] = [];
  #isStopped = false;
  #failure: { readonly error: unknown } | null = null;

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  get activeCount(): number {
    return this.#active.size;
  }

  /** Works until the queue is empty and nothing is under way, or until `stop`. Rejects only for a mistake in this program. */
  async run(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#work()));
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** There may be work. */
  wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }

  /** Nothing more is taken; `run` resolves once what is under way has ended. */
  stop(): void {
    this.#isStopped = true;
    this.wake();
  }

  async #work(): Promise<void> {
    const { queue, handler } = this.#options;
    while (!this.#isStopped) {
      const id = this.#take();
      if (id !== undefined) await this.#send(id);
      else if (handler.endsWhenEmpty && queue.size === 0) break;
      else await new Promise<void>((resume) => this.#waiting.push(resume));
    }
    this.wake();
  }

  async #send(id: FileId): Promise<void> {
    const { context, handler, queue } = this.#options;
    const lane = queue.laneOf(id);
    const signal = handler.signalOf(lane);
    this.#active.set(id, lane);
    let outcome: SendOutcome | null = null;
    try {
      signal.throwIfAborted();
      const delayMs = handler.delayMsOf(id);
      if (delayMs > 0) await context.io.clock.sleep(delayMs, signal);
      outcome = await sendFile(id, context, signal);
    } catch (error) {
      if (!signal.aborted) {
        this.#failure ??= { error };
        this.stop();
      }
    }
    this.#active.delete(id);
    if (outcome === null) handler.onAborted(id);
    else handler.onOutcome(id, outcome);
    // Settled last: a file that was put back still holds back what has to wait for it.
    queue.settle(id);
    this.wake();
  }

  #take(): FileId | undefined {
    const { queue, limit, context, handler } = this.#options;
    const allowed = limit.at(context.io.clock.monotonicMs());
    if (this.#active.size >= allowed) return undefined;
    const lanes = handler.lanes();
    return queue.take(this.#isLargeFull(allowed) ? lanes.filter((lane) => lane !== 'large') : lanes);
  }

  /** Large files may take half of the places, so that there is always one for a metric. */
  #isLargeFull(allowed: number): boolean {
    const large = [...this.#active.values()].filter((lane) => lane === 'large').length;
    return large >= Math.max(1, Math.floor(allowed / 2));
  }
}
