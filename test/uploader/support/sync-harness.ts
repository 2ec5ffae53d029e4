/** A root, a store in memory and a state directory, for passes and watches of the engine within the test's own process. */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Io } from '../../../uploader/base/io/io.js';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { type SyncEvent, type SyncReport, sync, watch } from '../../../uploader/index.js';
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
  /** The run's directory. */
  readonly run: string;
  readonly store: MemoryStore;
  readonly stateDirectory: string;
  readonly events: SyncEvent[];
  sync(options?: HarnessOptions): Promise<SyncReport>;
  startWatch(options?: HarnessOptions): RunningWatch;
  /** The text that is stored of a file of the run. */
  stored(path: string): string | undefined;
}

export interface HarnessOptions {
  readonly config?: Partial<SyncConfig>;
  readonly io?: Partial<Io>;
  readonly store?: Store;
  readonly observer?: RunObserver;
  readonly signal?: AbortSignal;
  readonly endsWithRuns?: boolean;
}

export interface RunningWatch {
  /** Waits for an event; those of the past count. */
  until(subject: string, check: () => boolean | undefined): Promise<void>;
  /** Tells the watch to stop, and gives its report. */
  stop(): Promise<SyncReport>;
  readonly report: Promise<SyncReport>;
}

/** A root with one run, and everything to sync it. Watches commit a growing file twice a second. */
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
      // Only its form matters: the store is the one in memory.
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
    const onEvent = (event: SyncEvent): void => {
      events.push(event);
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
        signal: abort.signal,
        endsWithRuns: options.endsWithRuns,
      });
      report.catch(() => undefined); // whoever waits for it is told
      return {
        report,
        until: async (subject, check) => {
          await waitFor(subject, () => check() || undefined, 20_000);
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

/** The files below a directory, but for what is of this machine. */
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

/** What a memory store has of a run, by path; without what the uploader keeps for itself. */
export function readStore(store: MemoryStore, uuid = RUN): Record<string, string> {
  return Object.fromEntries(
    [...store.objects]
      .filter(([key]) => key.startsWith(`${uuid}/`) && !key.startsWith(`${uuid}/.plx/`))
      .map(([key, { bytes }]) => [key.slice(uuid.length + 1), bytes.toString('latin1')]),
  );
}
