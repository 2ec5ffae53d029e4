/** A real server with a project, and runs that the engine reports to it from the process of the test. */

import { join } from 'node:path';
import type { Run, RunOptions } from '../../../src/index.js';
import { type SyncEvent, type SyncReport, sync } from '../../../uploader/index.js';
import type { SyncConfig } from '../../../uploader/settings/sync-config.js';
import { type PolyaxonServer, startSandbox } from '../../support/polyaxon.js';
import { startRun } from '../../support/start-run.js';
import { createSharedTempDir, createTempDir } from '../../support/temp-dir.js';
import { DEFAULT_CONFIG } from '../support/default-config.js';
import { connectTo } from '../support/polyaxon-client.js';

export const PROJECT = 'demo';

export interface ServedRun {
  readonly uuid: string;
  readonly name: string;
  readonly status: string;
  readonly tags: readonly string[];
  readonly inputs: Readonly<Record<string, unknown>> | null;
  readonly outputs: Readonly<Record<string, unknown>> | null;
  readonly meta_info: Readonly<Record<string, unknown>> | null;
  readonly description: string | null;
  readonly [field: string]: unknown;
}

export interface ServedArtifact {
  readonly name: string;
  readonly kind: string;
  readonly path: string | null;
  readonly is_input: boolean;
  readonly summary: Readonly<Record<string, unknown>>;
}

export interface ServedCondition {
  readonly type: string;
  readonly reason: string | null;
  readonly message: string | null;
}

export async function startServer(directory = createSharedTempDir()): Promise<PolyaxonServer> {
  const server = await startSandbox(directory);
  const known = await server.fetch(`/api/v1/default/${PROJECT}`);
  await known.arrayBuffer();
  if (!known.ok) await server.send('POST', '/api/v1/default/projects/create', { name: PROJECT });
  return server;
}

/** Reads the data of a run from the server. */
export class ServerRun {
  readonly #server: PolyaxonServer;
  readonly #route: string;

  constructor(server: PolyaxonServer, uuid: string, project = PROJECT) {
    this.#server = server;
    this.#route = `/api/v1/default/${project}/runs/${uuid}`;
  }

  async run(): Promise<ServedRun> {
    return (await this.#server.get(this.#route)) as ServedRun;
  }

  async lineage(): Promise<ServedArtifact[]> {
    const answer = await this.#server.get(`${this.#route}/lineage/artifacts`, { limit: 5000 });
    const { results } = answer as { results: ServedArtifact[] };
    return [...results].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async conditions(): Promise<ServedCondition[]> {
    const answer = await this.#server.get(`${this.#route}/statuses`);
    const { status_conditions } = answer as { status_conditions: ServedCondition[] };
    return Array.isArray(status_conditions) ? status_conditions : [];
  }

  async types(): Promise<string[]> {
    return (await this.conditions()).map(({ type }) => type).filter((type) => type !== 'created');
  }

  /** Returns all data of the run in a form that can be compared. */
  async everything(): Promise<unknown> {
    const { updated_at: _, ...run } = await this.run();
    const lineage = (await this.lineage()).map(({ name, kind, path, is_input, summary }) => {
      return { name, kind, path, is_input, summary };
    });
    return { run, lineage, conditions: await this.conditions() };
  }
}

export async function countRuns(server: PolyaxonServer, project = PROJECT): Promise<number> {
  return ((await server.get(`/api/v1/default/${project}/runs`)) as { count: number }).count;
}

export interface SyncTarget {
  readonly root: string;
  readonly store: string;
  readonly stateDirectory: string;
  readonly events: SyncEvent[];
  startRun(options?: RunOptions): Run;
  toConfig(changes?: Partial<SyncConfig>): Promise<SyncConfig>;
  sync(changes?: Partial<SyncConfig>): Promise<SyncReport>;
}

/** Creates a root whose files are stored in a directory and whose runs are reported to the server at `host()`. */
export function createRunSync(host: () => string): SyncTarget {
  const root = createTempDir();
  const stateDirectory = createTempDir();
  const store = createTempDir();
  const events: SyncEvent[] = [];
  const toConfig = async (changes: Partial<SyncConfig> = {}): Promise<SyncConfig> => {
    const connection = await connectTo(host());
    return {
      ...DEFAULT_CONFIG,
      path: root,
      store: `file://${store}`,
      stateDirectory,
      concurrency: 4,
      retryTimeoutMs: 30_000,
      intervalMs: 500,
      poll: true,
      project: PROJECT,
      api: { connection: () => connection, place: {}, createsProject: false },
      ...changes,
    };
  };
  return {
    root,
    store: join(store),
    stateDirectory,
    events,
    toConfig,
    startRun: (options = {}) => startRun({ root, project: PROJECT, ...options }).run,
    sync: async (changes) => {
      const onEvent = (event: SyncEvent): void => {
        events.push(event);
      };
      return sync(await toConfig(changes), { onEvent });
    },
  };
}
