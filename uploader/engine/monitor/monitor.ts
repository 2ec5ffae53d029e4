/** Derives health, readiness and metrics of a watch from its events and statuses. Exposes no paths and no secrets. */

import type { Clock } from '../../../src/base/clock.js';
import { findOwnVersion } from '../../../src/base/own-package.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import type { SyncEvent } from '../../pipeline/report/progress.js';
import type { StoreCall } from '../context/observe-store.js';
import { type Metric, type Sample, toExposition } from './prometheus.js';
import type { Status } from './status-file.js';
import { StoreMetrics } from './store-metrics.js';

export interface Health {
  readonly isGood: boolean;
  /** One line for people. */
  readonly reason: string;
}

/** The loop reports its status every ten seconds or more often; scanning a very large tree or a hanging disk may delay it. */
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
  readonly #storeMetrics = new StoreMetrics();

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

  readonly onStoreCall = (call: StoreCall): void => this.#storeMetrics.add(call, this.#clock.wallTime());

  readonly onStatus = (status: Status): void => {
    this.#status = status;
    this.#reportedMs = this.#clock.monotonicMs();
  };

  /** Whether the loop is running. An unavailable store does not count as unhealthy, because a restart would not help. */
  health(): Health {
    const silentMs = this.#clock.monotonicMs() - this.#reportedMs;
    return silentMs <= STUCK_MS
      ? { isGood: true, reason: 'alive' }
      : { isGood: false, reason: `no progress for ${Math.round(silentMs / 1000)} s` };
  }

  /** Whether uploads make progress: root and store are available, and the watch is not shutting down. */
  readiness(): Health {
    const health = this.health();
    const status = this.#status;
    if (!health.isGood) return health;
    if (status === null) return { isGood: false, reason: 'starting' };
    if (status.storeOutageMs !== null)
      return {
        isGood: false,
        reason: `the store has not answered for ${Math.round(status.storeOutageMs / 1000)} s`,
      };
    if (status.state === 'watching') return { isGood: true, reason: 'watching' };
    // Omit the reason, because it may contain a path.
    return { isGood: false, reason: status.state };
  }

  /** All metrics, as text. */
  toText(): string {
    return toExposition([...this.#toCounters(), ...this.#storeMetrics.toMetrics(), ...this.#toGauges()]);
  }

  #toCounters(): Metric[] {
    return [
      counter('sent_bytes', 'Bytes sent to the store, including failed attempts.', this.#sentBytes),
      labelled('stored_objects', 'Objects that the store acknowledged.', 'strategy', this.#stored),
      counter('verified_files', 'Files verified to be equal to their object.', this.#verified),
      labelled('errors', 'Failed uploads of files, by error code.', 'code', this.#errors),
      counter('retries', 'Retried calls to the store.', this.#retries),
      labelled('retry_causes', 'Retried calls to the store, by the code of the cause.', 'code', this.#causes),
      counter('complete_runs', 'Runs that have ended and are completely stored.', this.#completeRuns),
      counter('removed_objects', 'Objects removed because their local file was deleted.', this.#removed),
    ];
  }

  #toGauges(): Metric[] {
    const labels = { version: findOwnVersion() ?? 'bundled', node_version: process.versions.node };
    const samples = [{ labels, value: 1 }];
    const general: Metric[] = [
      { name: 'polytrack_build_info', help: 'Version of the uploader; always 1.', type: 'gauge', samples },
      gauge('start_time_seconds', 'Start time of the uploader, in seconds since the epoch.', this.#startedAt),
      gauge('up', '1 while the main loop is running, else 0.', Number(this.health().isGood)),
      gauge('ready', '1 while root and store are available, else 0.', Number(this.readiness().isGood)),
      gauge('resident_memory_bytes', 'Resident memory of the process, in bytes.', process.memoryUsage.rss()),
    ];
    const status = this.#status;
    if (status === null) return general;
    const { total, runs, storeOutageMs, isStateless } = status;
    const phases = new Map<string, number>();
    for (const { phase } of runs) count(phases, phase);
    const byPhase = [...phases].map(([phase, value]) => ({ labels: { phase }, value }));
    return [
      ...general,
      gauge('lag_seconds', 'Age of the oldest byte that is not stored; 0 if none.', total.lagMs / 1000),
      gauge('events_lag_seconds', 'Like lag_seconds, for Polyaxon event files.', total.eventsLagMs / 1000),
      gauge('backlog_files', 'Files that are not completely stored.', total.pendingFiles),
      gauge('backlog_bytes', 'Bytes that are not stored.', total.pendingBytes),
      gauge('stored_files', 'Files on disk that are completely stored.', total.storedFiles),
      gauge('stored_bytes', 'Bytes on disk that are stored.', total.storedBytes),
      gauge('lost_bytes', 'Bytes deleted on disk before they were stored.', total.lostBytes),
      gauge(
        'store_outage_seconds',
        'Time since the store stopped answering, in seconds; 0 when it answers.',
        (storeOutageMs ?? 0) / 1000,
      ),
      gauge('journal_writable', '1 if the journal can be written, else 0.', Number(!isStateless)),
      { name: 'polytrack_runs', help: 'Runs on disk, by phase.', type: 'gauge', samples: byPhase },
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

/** Codes and names have few distinct values; messages would create too many label values. */
function toCauseCode(cause: unknown): string {
  return systemErrorCode(cause) ?? (cause instanceof Error ? cause.name : 'unknown');
}
