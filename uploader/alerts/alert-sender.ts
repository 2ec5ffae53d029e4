/**
 * Delivers the alerts of runs to a webhook, at least once, beside the uploads: it never waits for them, and they never wait for it. An alert that is
 * older than a day is not delivered, so that a new webhook does not receive those of old runs.
 */

import { inBackground } from '../../src/base/background.js';
import type { Clock } from '../../src/base/clock.js';
import { messageOf } from '../../src/base/errors.js';
import { type AlertRecord, isAlertsFile, parseAlert } from '../../src/run-directory/alerts-file.js';
import { PROCESS_DIRECTORY } from '../../src/run-directory/layout.js';
import type { Transport } from '../base/http/transport.js';
import type { FileSystem } from '../base/io/file-system.js';
import { isAbsent } from '../base/io/system-error.js';
import { RateLimit } from '../base/limits/rate-limit.js';
import type { RetryPolicy } from '../base/limits/retry-policy.js';
import type { AlertPositions } from './alert-positions.js';
import { sendAlert } from './webhook.js';

/** A run whose alerts are delivered. */
export interface AlertedRun {
  readonly uuid: string;
  readonly directory: Buffer;
  /** Whether nothing writes to the run any more. */
  readonly isAtRest: boolean;
}

interface AlertSenderOptions {
  readonly url: URL;
  readonly clock: Clock;
  readonly fileSystem: FileSystem;
  readonly transport: Transport;
  readonly retryPolicy: RetryPolicy;
  readonly positions: AlertPositions;
  readonly listRuns: () => Iterable<AlertedRun>;
  readonly onProblem: (message: string) => void;
}

export const MAX_ALERT_AGE_MS = 24 * 3_600_000;
/** The time between two scans of the files. */
const CHECK_MS = 2_000;
/** Source: Slack, "Rate limits": one message per second. */
const PER_SECOND = 1;
const PIECE_BYTES = 1024 * 1024;

export class AlertSender {
  readonly #options: AlertSenderOptions;
  readonly #rate: RateLimit;
  readonly #stop = new AbortController();
  /** Runs at rest whose alerts are delivered. */
  readonly #settled = new Set<string>();
  /** Runs whose alerts could not be read when they were checked last. */
  readonly #unreadable = new Set<string>();
  #checkedMs = Number.NEGATIVE_INFINITY;
  #pass: Promise<void> | undefined;
  /** Whether the webhook accepts no alert; the next uploader tries again. */
  #isRefused = false;

  constructor(options: AlertSenderOptions) {
    this.#options = options;
    this.#rate = new RateLimit(options.clock, PER_SECOND);
  }

  /** Starts a scan of the files of alerts, unless one is in progress or was recent. Does not wait. */
  check(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#pass !== undefined || nowMs - this.#checkedMs < CHECK_MS) return;
    this.#checkedMs = nowMs;
    inBackground(this.#start());
  }

  /** Delivers all alerts so far, until `timeoutMs` have passed. Never rejects. */
  async flush(timeoutMs: number): Promise<void> {
    const done = new AbortController();
    const deliver = async (): Promise<void> => {
      await this.#pass;
      await this.#start();
    };
    const timeout = this.#options.clock.sleep(timeoutMs, done.signal).catch(() => undefined);
    await Promise.race([deliver(), timeout]);
    done.abort();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#pass;
    await this.#options.transport.close();
  }

  #start(): Promise<void> {
    this.#pass = this.#deliverAll()
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#options.onProblem(messageOf(error));
      })
      .finally(() => {
        this.#pass = undefined;
      });
    return this.#pass;
  }

  async #deliverAll(): Promise<void> {
    for (const run of this.#options.listRuns()) {
      if (this.#isRefused || this.#stop.signal.aborted) return;
      if (!run.isAtRest) this.#settled.delete(run.uuid);
      if (this.#settled.has(run.uuid)) continue;
      try {
        await this.#deliverRun(run);
        this.#unreadable.delete(run.uuid);
        if (run.isAtRest && !this.#isRefused) this.#settled.add(run.uuid);
      } catch (error) {
        this.#reportUnreadable(run.uuid, error);
      }
    }
  }

  /** Reports once that the alerts of a run cannot be read; each check tries again. The alerts of other runs do not wait for them. */
  #reportUnreadable(uuid: string, error: unknown): void {
    this.#stop.signal.throwIfAborted();
    if (this.#unreadable.has(uuid)) return;
    this.#unreadable.add(uuid);
    this.#options.onProblem(`the alerts of run ${uuid} cannot be read: ${messageOf(error)}`);
  }

  async #deliverRun({ uuid, directory }: AlertedRun): Promise<void> {
    const { fileSystem } = this.#options;
    const folder = Buffer.concat([directory, Buffer.from(`/${PROCESS_DIRECTORY}`)]);
    let names: string[];
    try {
      names = (await fileSystem.readDirectory(folder)).map(String).filter(isAlertsFile);
    } catch (error) {
      if (isAbsent(error)) return; // The run has no such directory, or is gone.
      throw error;
    }
    for (const name of names)
      await this.#deliverFile(`${uuid}/${name}`, Buffer.concat([folder, Buffer.from(`/${name}`)]));
  }

  async #deliverFile(key: string, path: Buffer): Promise<void> {
    const { positions, fileSystem, clock } = this.#options;
    const file = await fileSystem.openForReading(path);
    try {
      const { sizeBytes } = await file.stat();
      let offset = await positions.find(key);
      if (offset > sizeBytes) offset = 0; // another file took its place
      while (offset < sizeBytes) {
        const piece = Buffer.alloc(Math.min(PIECE_BYTES, sizeBytes - offset));
        const count = await file.read(piece, offset);
        const end = piece.subarray(0, count).lastIndexOf(0x0a) + 1;
        if (end === 0) return; // an incomplete line
        let lineStart = 0;
        while (lineStart < end) {
          const lineEnd = piece.indexOf(0x0a, lineStart) + 1;
          const alert = parseAlert(piece.toString('utf8', lineStart, lineEnd));
          const isRecent =
            alert !== null && clock.wallTime() * 1000 - Date.parse(alert.time) <= MAX_ALERT_AGE_MS;
          if (isRecent) {
            if (!(await this.#deliver(alert))) return;
            await positions.set(key, offset + lineEnd, clock.wallTime() * 1000);
          }
          lineStart = lineEnd;
        }
        offset += end;
      }
    } finally {
      await file.close();
    }
  }

  /** Returns whether the alert needs no other attempt. */
  async #deliver(alert: AlertRecord): Promise<boolean> {
    const { transport, url, retryPolicy, onProblem } = this.#options;
    const { signal } = this.#stop;
    await this.#rate.take(1, 'events', signal);
    const operation = `send an alert to ${url.host}`;
    const outcome = await retryPolicy.withRetry(operation, () => sendAlert(transport, url, alert, signal), {
      signal,
    });
    if (outcome.status === 'delivered') return true;
    if (outcome.status === 'failed') {
      onProblem(`${outcome.error.message}; the next sync sends the alert again`);
      this.#isRefused = true;
      return false;
    }
    if (outcome.status === 'rejected') {
      onProblem(`the alert ${alert.id} is not delivered: ${outcome.reason}`);
      return true;
    }
    onProblem(`alerts are not delivered: ${outcome.reason}; check the URL of --alert-webhook`);
    this.#isRefused = true;
    return false;
  }
}
