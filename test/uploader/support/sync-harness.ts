/** A root, a store in memory and a state directory, for syncs and watches inside the test process. */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Io } from '../../../uploader/base/io/io.js';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { type Status, type SyncEvent, type SyncReport, sync, watch } from '../../../uploader/index.js';
import type { RunObserver } from '../../../uploader/pipeline/report/run-observer.js';
import type { SyncConfig } from '../../../uploader/settings/sync-config.js';
import type { Store } from '../../../uploader/store/base/store.js';
import { waitFor } from '../../support/child-server.js';
import { createTempDir } from '../../support/temp-dir.js';
import { DEFAULT_CONFIG } from './default-config.js';
import { MemoryStore } from './memory-store.js';
import { type Files, makeRun, RUN } from './run-tree.js';

export interface Harness {
  readonly root: string;
  /** The run directory. */
  readonly run: string;
  readonly store: MemoryStore;
  readonly stateDirectory: string;
  readonly events: SyncEvent[];
  sync(options?: HarnessOptions): Promise<SyncReport>;
  startWatch(options?: HarnessOptions): RunningWatch;
  /** Returns the stored content of a file of the run, as text. */
  stored(path: string): string | undefined;
}

export interface HarnessOptions {
  readonly config?: Partial<SyncConfig>;
  readonly io?: Partial<Io>;
  readonly store?: Store;
  readonly observer?: RunObserver;
  readonly signal?: AbortSignal;
  readonly endsWithRuns?: boolean;
  readonly onEvent?: (event: SyncEvent) => unknown;
  readonly onStatus?: (status: Status) => void;
}

export interface RunningWatch {
  /** Waits until `check` returns true; it may consider past events. */
  until(subject: string, check: () => boolean | undefined): Promise<void>;
  /** Stops the watch and returns its report. */
  stop(): Promise<SyncReport>;
  readonly report: Promise<SyncReport>;
}

/** Creates a root with one run and everything needed to sync it. Watches commit a growing file twice a second. */
export function createHarness(files: Files = {}): Harness {
  const root = createTempDir();
  const run = makeRun(root, files);
  const stateDirectory = createTempDir();
  const store = new MemoryStore();
  const events: SyncEvent[] = [];

  function toConfig(changes: Partial<SyncConfig> = {}): SyncConfig {
    return {
      ...DEFAULT_CONFIG,
      path: root,
      // Only the form of the URL matters, because the store in memory is used.
      store: 's3://bucket/prefix',
      stateDirectory,
      concurrency: 4,
      retryTimeoutMs: 10_000,
      intervalMs: 500,
      shutdownTimeoutMs: 5_000,
      poll: true,
      ...changes,
    };
  }

  function toOptions(options: HarnessOptions) {
    const onEvent = (event: SyncEvent): unknown => {
      events.push(event);
      return options.onEvent?.(event);
    };
    return {
      store: options.store ?? store,
      io: { ...nodeIo, ...options.io },
      onEvent,
      signal: options.signal,
      observer: options.observer,
    };
  }

  return {
    root,
    run,
    store,
    stateDirectory,
    events,
    sync: (options = {}) => sync(toConfig(options.config), toOptions(options)),
    startWatch(options = {}) {
      const abort = new AbortController();
      const report = watch(toConfig(options.config), {
        ...toOptions(options),
        signal: AbortSignal.any([abort.signal, ...(options.signal === undefined ? [] : [options.signal])]),
        onStatus: options.onStatus,
        endsWithRuns: options.endsWithRuns,
      });
      report.catch(() => undefined); // a caller that awaits `report` gets the error
      return {
        report,
        until: async (subject, check) => {
          await waitFor(subject, () => check() || undefined);
        },
        stop: () => {
          abort.abort();
          return report;
        },
      };
    },
    stored: (path) => store.text(`${RUN}/${path}`),
  };
}

/** Reads the files below a directory, except in `.plx`. */
export function readTree(directory: string): Record<string, string> {
  mkdirSync(directory, { recursive: true });
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    paths
      .map((path): [string, string] => [relative(directory, path), readFileSync(path, 'latin1')])
      .filter(([path]) => !path.split('/').includes('.plx')),
  );
}

/** Returns the objects of a run in a memory store by path, except in `.plx`. */
export function readStore(store: MemoryStore, uuid = RUN): Record<string, string> {
  return Object.fromEntries(
    [...store.objects]
      .filter(([key]) => key.startsWith(`${uuid}/`) && !key.startsWith(`${uuid}/.plx/`))
      .map(([key, { bytes }]) => [key.slice(uuid.length + 1), bytes.toString('latin1')]),
  );
}
