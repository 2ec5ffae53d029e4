/** Real stores for tests of the operator commands. A test can damage their objects directly. */

import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SyncConfig } from '../../../uploader/settings/sync-config.js';
import { S3Server } from '../../support/s3-server.js';
import { createTempDir } from '../../support/temp-dir.js';
import { DEFAULT_CONFIG } from './default-config.js';

export interface TestStore {
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  /** Returns the path of the file that holds an object. */
  file(key: string): string;
  /** Flips one bit of an object and changes nothing else. */
  flip(key: string): void;
  shorten(key: string): void;
  remove(key: string): void;
  has(key: string): boolean;
}

export type StoreKind = 'file' | 's3';
export const STORE_KINDS: readonly StoreKind[] = ['file', 's3'];

/** Opens a new, empty store. An S3 server stops when the test ends. */
export async function openTestStore(kind: StoreKind): Promise<TestStore> {
  if (kind === 'file') {
    const directory = join(createTempDir(), 'store');
    return createStore(pathToFileURL(directory).href, directory, {});
  }
  const server = await S3Server.start();
  await server.bucket('runs');
  return createStore('s3://runs/team', join(server.dataDir, 'runs/team'), server.env);
}

/** Returns the configuration of a sync to a store, with a new state directory. */
export function toConfig(path: string, store: TestStore, changes: Partial<SyncConfig> = {}): SyncConfig {
  const endpoint = store.env.AWS_ENDPOINT_URL;
  return {
    ...DEFAULT_CONFIG,
    path,
    store: store.url,
    stateDirectory: createTempDir(),
    concurrency: 4,
    retryTimeoutMs: 20_000,
    s3: endpoint === undefined ? {} : { endpoint, region: 'us-east-1', pathStyle: true },
    poll: true,
    ...changes,
  };
}

/** Reads all regular files below a directory except in `.plx`. Names and contents are latin1, so that no byte is lost. */
export function readFiles(directory: string): Record<string, string> {
  const files: Record<string, string> = {};
  const pending = [Buffer.from('')];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const parent = Buffer.concat([Buffer.from(`${directory}/`), at]);
    for (const entry of readdirSync(parent, { withFileTypes: true, encoding: 'buffer' })) {
      const relPath = Buffer.concat([at, entry.name]);
      if (entry.name.toString() === '.plx') continue;
      if (entry.isDirectory()) pending.push(Buffer.concat([relPath, Buffer.from('/')]));
      if (!entry.isFile()) continue;
      files[relPath.toString('latin1')] = readFileSync(Buffer.concat([parent, entry.name]), 'latin1');
    }
  }
  return files;
}

function createStore(url: string, directory: string, env: Readonly<Record<string, string>>): TestStore {
  const file = (key: string): string => join(directory, key);
  return {
    url,
    env,
    file,
    flip(key) {
      const bytes = readFileSync(file(key));
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(file(key), bytes);
    },
    shorten: (key) => truncateSync(file(key), statSync(file(key)).size - 1),
    remove(key) {
      rmSync(file(key));
      for (let each = dirname(file(key)); readdirSync(each).length === 0; each = dirname(each))
        rmSync(each, { recursive: true });
    },
    has: (key) => existsSync(file(key)),
  };
}
