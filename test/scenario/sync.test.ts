/** The main use case: track a run with the built package, sync it with the built command, and compare the contents. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DeleteObjectCommand, GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SyncReport } from '../../uploader/pipeline/report/sync-report.js';
import { AzuriteServer } from '../support/azurite.js';
import { spawnScript } from '../support/child-script.js';
import { waitFor } from '../support/child-server.js';
import { GcsEmulator } from '../support/gcs-emulator.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { createTempDir } from '../support/temp-dir.js';

const CLI = fileURLToPath(new URL('../../dist/uploader/cli.js', import.meta.url));
const MIB = 1024 * 1024;

const TRACK = `
  const run = new Run({
    ...{ root: process.env.ROOT, name: 'synced', formats: ['tensorboard'] },
    ...{ trackCode: false, trackEnv: false, trackLogs: false, collectResources: false },
  });
  run.logInputs({ learningRate: 0.1 });
  for (let step = 0; step < 1000; step++) run.logMetric('loss', 1 / (step + 1), { step });
  run.logText('note', 'hello');
  await run.logArtifact(process.env.ARTIFACT, { name: 'model' });
  await run.end();
`;

/** A store to sync to, read without the uploader's code. */
interface Destination {
  readonly url: string;
  readonly env: NodeJS.ProcessEnv;
  /** Returns the SHA-256 of every object by key. */
  hashes(): Promise<Record<string, string>>;
  remove(key: string): Promise<void>;
}

describe('sync to a directory', () => {
  describeSync(async () => {
    const directory = join(createTempDir(), 'store');
    return {
      url: `file://${directory}`,
      env: {},
      hashes: async () => hashTree(directory),
      remove: async (key) => rmSync(join(directory, key)),
    };
  });
});

describeWithPeers(['s3'], 'sync to S3', () => {
  describeSync(async () => (await toS3Destination(await S3Server.start())).destination);

  it('reports unsent files when the server is stopped, and sends them with the next sync', async () => {
    const { server, destination } = await toS3Destination(await S3Server.start());
    const root = await track();
    const stateDir = createTempDir();
    await server.stop();

    const stopped = await sync(root, destination, stateDir, ['--retry-timeout', '2']);
    const printed = await sync(root, destination, stateDir, ['--retry-timeout', '1'], false);
    await server.start();
    const next = await sync(root, destination, stateDir);

    const keys = Object.keys(hashRuns(root)).sort();
    expect(stopped.code).toBe(1);
    expect(stopped.report.isComplete).toBe(false);
    expect(stopped.report.unsent.map(({ path }) => path).sort()).toEqual(keys);
    expect(stopped.report.unsent.map(({ code }) => code)).toEqual(keys.map(() => 'ERR_STORE_UNAVAILABLE'));
    expect(printed.code).toBe(1);
    expect(printed.text).toContain('ERR_STORE_UNAVAILABLE');
    for (const key of keys) expect(printed.text).toContain(key);
    expect(next.code).toBe(0);
    expect(await destination.hashes()).toEqual(hashRuns(root));
  });

  it('finishes after the server was restarted during a large file', async () => {
    const { server, destination } = await toS3Destination(await S3Server.start());
    const root = await track(64 * MIB);
    const stateDir = createTempDir();
    const child = startSync(root, destination, stateDir, ['--json']);
    await waitFor('parts in the store', () => treeSize(server.dataDir) > 8 * MIB || undefined);
    await server.stop();
    await sleep(500);
    await server.start();

    expect((await child).code).toBe(0);
    expect(await destination.hashes()).toEqual(hashRuns(root));
  });

  it('finishes after the sync was killed during a large file', async () => {
    const { server, destination } = await toS3Destination(await S3Server.start());
    const root = await track(64 * MIB);
    const stateDir = createTempDir();
    const child = spawnSyncCommand(root, destination, stateDir, ['--json']);
    const exited = once(child, 'exit');
    await waitFor('parts in the store', () => treeSize(server.dataDir) > 8 * MIB || undefined);
    child.kill('SIGKILL');
    await exited;

    expect((await sync(root, destination, stateDir)).code).toBe(0);
    expect(await destination.hashes()).toEqual(hashRuns(root));
  });
});

describeWithPeers(['azurite'], 'sync to Azure', () => {
  let server: AzuriteServer;
  let containers = 0;
  beforeAll(async () => {
    server = await AzuriteServer.startShared();
  });
  describeSync(async () => {
    containers += 1;
    const name = await server.container(`runs-${containers}`);
    const container = server.createClient().getContainerClient(name);
    const hashes = async (): Promise<Record<string, string>> => {
      const found: Record<string, string> = {};
      for await (const { name: key } of container.listBlobsFlat())
        if (!/(?:^|\/)\.plx\//.test(key))
          found[key.replace(/^team\/a\//, '')] = sha256(
            await container.getBlobClient(key).downloadToBuffer(),
          );
      return found;
    };
    const remove = async (key: string): Promise<void> => {
      await container.deleteBlob(`team/a/${key}`);
    };
    return { url: `azure://${name}/team/a`, env: server.env, hashes, remove };
  });
});

describeWithPeers(['gcs'], 'sync to Google Cloud Storage', () => {
  let server: GcsEmulator;
  let buckets = 0;
  beforeAll(async () => {
    server = await GcsEmulator.startShared();
  });
  describeSync(async () => {
    buckets += 1;
    const name = await server.bucket(`runs-${buckets}`);
    const objects = `${server.endpoint}/storage/v1/b/${name}/o`;
    const hashes = async (): Promise<Record<string, string>> => {
      const { items = [] } = (await (await fetch(objects)).json()) as { items?: { name: string }[] };
      const ofRuns = items.filter(({ name: key }) => !/(?:^|\/)\.plx\//.test(key));
      const entries = ofRuns.map(async ({ name: key }) => {
        const answer = await fetch(`${objects}/${encodeURIComponent(key)}?alt=media`);
        return [key.replace(/^team\/a\//, ''), sha256(new Uint8Array(await answer.arrayBuffer()))] as const;
      });
      return Object.fromEntries(await Promise.all(entries));
    };
    const remove = async (key: string): Promise<void> => {
      await fetch(`${objects}/${encodeURIComponent(`team/a/${key}`)}`, { method: 'DELETE' });
    };
    return { url: `gs://${name}/team/a`, env: server.env, hashes, remove };
  });
});

function describeSync(createDestination: () => Promise<Destination>): void {
  it('stores every file under its key with the same SHA-256; a second sync sends 0 bytes', async () => {
    const destination = await createDestination();
    const root = await track(20 * MIB);
    const stateDir = createTempDir();

    const first = await sync(root, destination, stateDir);
    const second = await sync(root, destination, stateDir);

    expect(first.code).toBe(0);
    expect(await destination.hashes()).toEqual(hashRuns(root));
    expect(Object.keys(hashRuns(root)).length).toBe(4);
    expect(second.code).toBe(0);
    expect(second.report).toMatchObject({ isComplete: true, uploads: [], bytes: { sent: 0 } });
    expect(second.report.files.verified + second.report.files.unchanged).toBe(4);
  });

  it('sends only the file that has grown', async () => {
    const destination = await createDestination();
    const root = await track();
    const stateDir = createTempDir();
    await sync(root, destination, stateDir);
    const grown = Object.keys(hashRuns(root)).find((key) => key.includes('model'))!;
    appendFileSync(join(root, 'runs', grown), 'more');

    const { report } = await sync(root, destination, stateDir);

    expect(report.uploads.map(({ key }) => key)).toEqual([grown]);
    expect(report.bytes.sent).toBe(statSync(join(root, 'runs', grown)).size);
    expect(await destination.hashes()).toEqual(hashRuns(root));
  });

  it('verifies and sends nothing when the journal is lost', async () => {
    const destination = await createDestination();
    const root = await track(20 * MIB);
    const stateDir = createTempDir();
    await sync(root, destination, stateDir);
    rmSync(stateDir, { recursive: true });

    const { code, report } = await sync(root, destination, stateDir);

    expect(code).toBe(0);
    expect(report).toMatchObject({ uploads: [], bytes: { sent: 0 }, files: { verified: 4 } });
  });

  it('resends an object that was removed from the store, although it is in the journal', async () => {
    const destination = await createDestination();
    const root = await track();
    const stateDir = createTempDir();
    await sync(root, destination, stateDir);
    const removed = Object.keys(hashRuns(root)).find((key) => key.includes('model'))!;
    await destination.remove(removed);

    const { report } = await sync(root, destination, stateDir);

    expect(report.uploads.map(({ key }) => key)).toEqual([removed]);
    expect(await destination.hashes()).toEqual(hashRuns(root));
  });

  it('plans but sends nothing with --dry-run', async () => {
    const destination = await createDestination();
    const root = await track();

    const { code, report } = await sync(root, destination, createTempDir(), ['--dry-run']);

    expect(code).toBe(1);
    expect(report.uploads).toHaveLength(4);
    expect(await destination.hashes()).toEqual({});
  });
}

async function toS3Destination(server: S3Server): Promise<{ server: S3Server; destination: Destination }> {
  const bucket = await server.bucket('runs');
  const client = server.createClient();
  const hashes = async (): Promise<Record<string, string>> => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
    // The uploader's own objects, such as manifests, are not files of a run.
    const ofRuns = Contents.filter(({ Key = '' }) => !/(?:^|\/)\.plx\//.test(Key));
    const entries = ofRuns.map(async ({ Key = '' }) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
      return [Key.replace(/^team\/a\//, ''), sha256(bytes)] as const;
    });
    return Object.fromEntries(await Promise.all(entries));
  };
  const remove = async (key: string): Promise<void> => {
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: `team/a/${key}` }));
  };
  return { server, destination: { url: `s3://${bucket}/team/a`, env: server.env, hashes, remove } };
}

/** Tracks a run with four files: its two records, an event file and an artifact. Returns the root. */
async function track(artifactBytes = 1000): Promise<string> {
  const root = createTempDir();
  const artifact = join(createTempDir(), 'model.bin');
  writeFileSync(artifact, Buffer.alloc(artifactBytes, 'weights '));
  const child = spawnScript('Run', TRACK, { ROOT: root, ARTIFACT: artifact });
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  return root;
}

interface SyncResult {
  readonly code: number | null;
  readonly text: string;
  /** The report from `--json`, without its error objects. */
  readonly report: Omit<SyncReport, 'unsent'> & {
    readonly unsent: readonly { path: string; code: string }[];
  };
}

function spawnSyncCommand(
  root: string,
  { url, env }: Destination,
  stateDir: string,
  args: readonly string[],
) {
  return spawn(process.execPath, [CLI, 'sync', root, '--store', url, '--state-dir', stateDir, ...args], {
    env: { PATH: process.env.PATH, HOME: stateDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function startSync(
  root: string,
  destination: Destination,
  stateDir: string,
  args: readonly string[],
): Promise<SyncResult> {
  const child = spawnSyncCommand(root, destination, stateDir, args);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = await once(child, 'close');
  const report = args.includes('--json') && stdout !== '' ? JSON.parse(stdout) : undefined;
  return { code, text: stdout + stderr, report };
}

function sync(
  root: string,
  destination: Destination,
  stateDir: string,
  args: readonly string[] = [],
  isJson = true,
): Promise<SyncResult> {
  return startSync(root, destination, stateDir, isJson ? [...args, '--json'] : args);
}

function hashRuns(root: string): Record<string, string> {
  return hashTree(join(root, 'runs'));
}

/** Hashes all files except in `.plx/`, which is specific to this machine. */
function hashTree(directory: string): Record<string, string> {
  const paths = filesOf(directory).filter((path) => !relative(directory, path).split('/').includes('.plx'));
  return Object.fromEntries(paths.map((path) => [relative(directory, path), sha256(readFileSync(path))]));
}

function treeSize(directory: string): number {
  return filesOf(directory).reduce(
    (sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

function filesOf(directory: string): string[] {
  const isThere = statSync(directory, { throwIfNoEntry: false }) !== undefined;
  const entries = isThere ? readdirSync(directory, { recursive: true, withFileTypes: true }) : [];
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
