/** Takes files from the queue, sends several at a time, and passes each outcome to the handler, which decides what follows. */

import type { ConcurrencyLimit } from '../base/limits/concurrency-limit.js';
import type { Lane } from '../base/limits/lanes.js';
import type { CommitContext, SendOutcome } from '../pipeline/commit/commit-context.js';
import { sendFile } from '../pipeline/commit/send-file.js';
import type { FileId } from '../pipeline/inventory/file-table.js';
import type { WorkQueue } from '../pipeline/plan/work-queue.js';

export interface WorkHandler {
  /** Lanes from which work may be taken now; empty while uploads are paused. */
  lanes(): readonly Lane[];
  /** Whether the file is still this uploader's: it may have been queued long ago. Otherwise it counts as aborted. */
  mayStart(id: FileId): boolean;
  /** How long to wait before sending the file. */
  delayMsOf(id: FileId): number;
  /** Called when a file is finished; the handler may queue it again. */
  onOutcome(id: FileId, outcome: SendOutcome): void;
  /** Called when the transfer of a file was aborted. */
  onAborted(id: FileId): void;
  /** The signal that aborts transfers of a lane. */
  signalOf(lane: Lane): AbortSignal;
  /** Whether the workers end once the queue is empty. */
  readonly endsWhenEmpty: boolean;
}

interface WorkersOptions {
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

  /** Sends files until `stop`, or with `endsWhenEmpty` until no work remains. Rejects only for a bug in this program. */
  async run(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#work()));
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** Call when new work may be available. */
  wake(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }

  /** Takes no more files; `run` resolves once the files in flight have finished. */
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
      if (handler.mayStart(id)) outcome = await sendFile(id, context, signal);
    } catch (error) {
      if (!signal.aborted) {
        this.#failure ??= { error };
        this.stop();
      }
    }
    this.#active.delete(id);
    if (outcome === null) handler.onAborted(id);
    else handler.onOutcome(id, outcome);
    // Settle last, so that a file that was queued again still blocks the files that depend on it.
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

  /** Large files may use half of the slots, so that a slot is always free for metrics. */
  #isLargeFull(allowed: number): boolean {
    const large = [...this.#active.values()].filter((lane) => lane === 'large').length;
    return large >= Math.max(1, Math.floor(allowed / 2));
  }
}
