/** What a watch says of itself to those who watch it: whether it lives, whether it gets anything done, and numbers. Holds no paths and no secrets. */

import type { Clock } from '../../../src/base/clock.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import type { SyncEvent } from '../../pipeline/report/progress.js';
import { type Metric, type Sample, toExposition } from './prometheus.js';
import type { Status } from './status-file.js';

export interface Health {
  readonly isGood: boolean;
  /** A line for people. */
  readonly reason: string;
}

/** The loop tells its status every two seconds; one look at a very large tree, or a disk that hangs, may hold it up. */
const STUCK_MS = 120_000;

export class Monitor {
  readonly #clock: Clock;
  readonly #startedAt: number;
  #status: Status | null = null;
  #reportedMs: number;
  #sentBytes = 0;
  #verified = 0;
  #retries = 0;
  #completeRuns = 0;
  #removed = 0;
  readonly #stored = new Map<string, number>();
  readonly #errors = new Map<string, number>();
  readonly #causes = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.wallTime();
    this.#reportedMs = clock.monotonicMs();
  }

  readonly onEvent = (event: SyncEvent): void => {
    switch (event.kind) {
      case 'sent':
        this.#sentBytes += event.sizeBytes;
        break;
      case 'stored':
        count(this.#stored, event.strategy);
        break;
      case 'verified':
        this.#verified += 1;
        break;
      case 'unsent':
        count(this.#errors, event.error.code);
        break;
      case 'retry':
        this.#retries += 1;
        count(this.#causes, toCauseCode(event.cause));
        break;
      case 'run-complete':
        this.#completeRuns += 1;
        break;
      case 'removed':
        this.#removed += 1;
    }
  };

  readonly onStatus = (status: Status): void => {
    this.#status = status;
    this.#reportedMs = this.#clock.monotonicMs();
  };

  /** Whether the process is worth keeping: its loop turns. A store that is away is no reason to start it anew. */
  health(): Health {
    const silentMs = this.#clock.monotonicMs() - this.#reportedMs;
    return silentMs <= STUCK_MS
      ? { isGood: true, reason: 'alive' }
      : { isGood: false, reason: `nothing was done for ${Math.round(silentMs / 1000)} s` };
  }

  /** Whether it gets anything done: root and store are there, and it was not told to stop. */
  readiness(): Health {
    const health = this.health();
    const status = this.#status;
    if (!health.isGood) return health;
    if (status === null) return { isGood: false, reason: 'starting' };
    if (status.storeAwayMs !== null)
      return {
        isGood: false,
        reason: `the store has not answered for ${Math.round(status.storeAwayMs / 1000)} s`,
      };
    if (status.state === 'watching') return { isGood: true, reason: 'watching' };
    // The reason may name a path, which is nobody's business here.
    return { isGood: false, reason: status.state };
  }

  /** All metrics, as text. */
  toText(): string {
    return toExposition([...this.#toCounters(), ...this.#toGauges()]);
  }

  #toCounters(): Metric[] {
    return [
      counter(
        'sent_bytes',
        'Bytes handed to the store, those of attempts that failed included.',
        this.#sentBytes,
      ),
      labelled('stored_objects', 'Objects that the store acknowledged.', 'strategy', this.#stored),
      counter('verified_files', 'Files that were found equal to their object.', this.#verified),
      labelled('errors', 'Files that could not be sent, by the code of the error.', 'code', this.#errors),
      counter('retries', 'Calls to the store that were repeated.', this.#retries),
      labelled('retry_causes', 'Why calls to the store were repeated.', 'code', this.#causes),
      counter('complete_runs', 'Runs that were found to have ended and to be stored.', this.#completeRuns),
      counter('removed_objects', 'Objects that were removed because their file was deleted.', this.#removed),
    ];
  }

  #toGauges(): Metric[] {
    const general = [
      gauge(
        'start_time_seconds',
        'When the uploader was started, in seconds since the epoch.',
        this.#startedAt,
      ),
      gauge('up', 'Whether its loop turns.', Number(this.health().isGood)),
      gauge('ready', 'Whether root and store are there.', Number(this.readiness().isGood)),
      gauge('resident_memory_bytes', 'Memory of the process.', process.memoryUsage.rss()),
    ];
    const status = this.#status;
    if (status === null) return general;
    const { total, runs, storeAwayMs, isStateless } = status;
    const phases = new Map<string, number>();
    for (const { phase } of runs) count(phases, phase);
    const samples = [...phases].map(([phase, value]) => ({ labels: { phase }, value }));
    return [
      ...general,
      gauge('lag_seconds', 'Age of the oldest byte that is not stored; 0 when all are.', total.lagMs / 1000),
      gauge('events_lag_seconds', "The same of Polyaxon's event files alone.", total.eventsLagMs / 1000),
      gauge('backlog_files', 'Files of which something is not stored.', total.pendingFiles),
      gauge('backlog_bytes', 'Bytes that are not stored.', total.pendingBytes),
      gauge('stored_files', 'Files on disk that are stored.', total.storedFiles),
      gauge('stored_bytes', 'Their bytes.', total.storedBytes),
      gauge('lost_bytes', 'Bytes that were deleted on disk before they were stored.', total.lostBytes),
      gauge(
        'store_away_seconds',
        'How long the store has not answered; 0 when it does.',
        (storeAwayMs ?? 0) / 1000,
      ),
      gauge('journal_writable', 'Whether the journal can be written.', Number(!isStateless)),
      { name: 'polytrack_runs', help: 'Runs on disk, by phase.', type: 'gauge', samples },
    ];
  }
}

function counter(name: string, help: string, value: number): Metric {
  return { name: `polytrack_${name}_total`, help, type: 'counter', samples: [{ value }] };
}

function labelled(name: string, help: string, label: string, counts: ReadonlyMap<string, number>): Metric {
  const samples: Sample[] = [...counts].map(([key, value]) => ({ labels: { [label]: key }, value }));
  return { name: `polytrack_${name}_total`, help, type: 'counter', samples };
}

function gauge(name: string, help: string, value: number): Metric {
  return { name: `polytrack_${name}`, help, type: 'gauge', samples: [{ value }] };
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Codes and names of errors are few; their messages are not. */
function toCauseCode(cause: unknown): string {
  return systemErrorCode(cause) ?? (cause instanceof Error ? cause.name : 'unknown');
}
