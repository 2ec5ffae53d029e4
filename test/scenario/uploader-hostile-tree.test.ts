/**
 * The built commands on a hostile tree: they read nothing outside of it, and everything else keeps working. Each path is either stored under
 * a key that can be decoded to its name, or reported with a reason.
 */

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { expect, it, onTestFinished } from 'vitest';
import { listObjects } from '../../bench/support/hashes.mjs';
import { UploaderProcess } from '../../bench/support/uploader-process.mjs';
import { waitFor } from '../support/child-server.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { createTempDir } from '../support/temp-dir.js';
import { makeShapes, type Outside, type Shape } from './hostile-shapes.js';

const UUID = 'f6'.repeat(16);
const OTHER_UUID = 'e5'.repeat(16);
const CANARY = 'canary-8c1f0b';
const MIN_SHAPES = 60;
const SWAP_MS = 4_000;

interface Report {
  readonly skipped: readonly { path: string; reason: string }[];
  readonly unsent: readonly { path: string; code: string }[];
}

type Objects = ReadonlyMap<string, Buffer>;

interface Scene {
  readonly home: string;
  readonly root: string;
  readonly runs: string;
  readonly run: string;
  readonly outside: Outside;
}

interface TestStore {
  readonly url: string;
  readonly env: Record<string, string>;
  read(): Promise<Objects>;
  keys(): Promise<string[]>;
}

function createScene(): Scene {
  const home = createTempDir();
  const root = join(home, 'root');
  const runs = join(root, 'runs');
  const run = join(runs, UUID);
  const directory = join(home, 'outside');
  mkdirSync(run, { recursive: true });
  mkdirSync(directory);
  const secret = join(directory, 'secret.txt');
  writeFileSync(secret, CANARY);
  return { home, root, runs, run, outside: { directory, secret } };
}

/** Checks that each shape is either an object with its content and a key that decodes to its name, or a line in the report. */
function expectAccountedFor(shapes: readonly Shape[], runs: string, objects: Objects, report: Report): void {
  const byName = new Map([...objects].map(([key, bytes]) => [decodeKey(key).toString('latin1'), bytes]));
  expect(byName.size).toBe(objects.size);
  const toName = (path: string): string => decodeKey(path.replace(/^runs\//, '')).toString('latin1');
  const skipped = new Map(report.skipped.map(({ path, reason }) => [toName(path), reason]));
  const unsent = new Map(report.unsent.map(({ path, code }) => [toName(path), code]));
  for (const { what, path, outcome } of shapes) {
    const name = path.toString('latin1');
    const bytes = byName.get(name);
    if (outcome === 'stored') {
      const onDisk = readFileSync(Buffer.concat([Buffer.from(`${runs}/`), path]));
      expect(bytes?.equals(onDisk), `${what} is stored`).toBe(true);
    } else {
      expect(skipped.get(name) ?? unsent.get(name), what).toBe(outcome);
      expect(bytes, what).toBe(undefined);
    }
  }
  expect(objects.size).toBe(shapes.filter(({ outcome }) => outcome === 'stored').length);
}

/** Decodes a key to the raw path, independently of the code under test. */
function decodeKey(key: string): Buffer {
  const pieces = key.split(/(%[0-9A-F]{2})/);
  return Buffer.concat(
    pieces.map((piece, i) =>
      i % 2 === 1 ? Buffer.from([Number.parseInt(piece.slice(1), 16)]) : Buffer.from(piece),
    ),
  );
}

function expectNoCanary(objects: Objects, output: string): void {
  for (const [key, bytes] of objects) expect(bytes.includes(CANARY), key).toBe(false);
  expect(output).not.toContain(CANARY);
}

/** Returns the objects of all runs by their key from the uuid on, without the uploader's own objects. */
async function readBucket(server: S3Server, bucket: string): Promise<Objects> {
  const client = server.createClient();
  const objects = new Map<string, Buffer>();
  for (const key of await listKeys(server, bucket)) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: `team/${key}` }));
    objects.set(key, Buffer.from((await Body?.transformToByteArray()) ?? []));
  }
  client.destroy();
  return objects;
}

async function listKeys(server: S3Server, bucket: string): Promise<string[]> {
  const client = server.createClient();
  const keys: string[] = [];
  const prefix = 'team/';
  for await (const { Key = '' } of listObjects({ client, bucket }, prefix))
    keys.push(Key.slice(prefix.length));
  client.destroy();
  return keys.filter(isOfRun);
}

/** Returns false for the uploader's own objects, and for temporary files of a directory store. */
function isOfRun(key: string): boolean {
  return !/^([0-9a-f]{32}\/)?\.plx\//.test(key) && !/\/\.plx-[^/]*\.partial$/.test(key);
}

function readStore(directory: string): Objects {
  const objects = new Map<string, Buffer>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const key = path.slice(directory.length + 1);
    if (entry.isFile() && isOfRun(key)) objects.set(key, readFileSync(path));
  }
  return objects;
}

/** Opens a store of the given kind. */
async function openStore(kind: 's3' | 'file', home: string): Promise<TestStore> {
  if (kind === 'file') {
    const directory = join(home, 'store');
    const read = async (): Promise<Objects> => (existsSync(directory) ? readStore(directory) : new Map());
    return { url: `file://${directory}`, env: {}, read, keys: async () => [...(await read()).keys()] };
  }
  const server = await S3Server.start();
  const bucket = await server.bucket('runs');
  return {
    url: `s3://${bucket}/team`,
    env: server.env,
    read: () => readBucket(server, bucket),
    keys: () => listKeys(server, bucket),
  };
}

/** Starts the built command on a scene. */
function start(command: 'sync' | 'watch', { home, root }: Scene, { url, env }: TestStore): UploaderProcess {
  const args = ['--store', url, '--state-dir', join(home, 'state'), '--no-hardlinks', '--json'];
  const often = command === 'watch' ? ['--interval', '0.2'] : [];
  const process = new UploaderProcess([command, root, ...args, ...often], { env, home });
  onTestFinished(() => void process.end('SIGKILL'));
  return process;
}

describeWithPeers(['s3'], 'a hostile tree', () => {
  it.each(['s3', 'file'] as const)(
    'is synced to a store of kind %s as far as possible, and all other paths are reported',
    async (kind) => {
      const scene = createScene();
      const shapes = await makeShapes(scene.runs, UUID, scene.outside);
      const store = await openStore(kind, scene.home);

      const sync = start('sync', scene, store);
      expect(await sync.exited, sync.output).toBe(1);

      const objects = await store.read();
      expect(shapes.length).toBeGreaterThanOrEqual(MIN_SHAPES);
      expect(new Set(shapes.map(({ what }) => what)).size).toBeGreaterThanOrEqual(MIN_SHAPES);
      expectAccountedFor(shapes, scene.runs, objects, toReport(sync.output));
      expectNoCanary(objects, sync.output);
    },
  );

  it.each(['s3', 'file'] as const)(
    'is uploaded to a store of kind %s by a watch while it is created',
    async (kind) => {
      const scene = createScene();
      const store = await openStore(kind, scene.home);
      const watch = start('watch', scene, store);
      await sleep(500);
      const shapes = await makeShapes(scene.runs, UUID, scene.outside);
      const wanted = shapes.filter(({ outcome }) => outcome === 'stored').length;
      await waitFor('all that can be stored', async () =>
        (await store.keys()).length >= wanted ? true : undefined,
      );
      await watch.end('SIGTERM');

      const objects = await store.read();
      expectAccountedFor(shapes, scene.runs, objects, toReport(watch.output));
      expectNoCanary(objects, watch.output);
    },
  );

  it('leaks nothing to a watch while directories and files are constantly replaced by symlinks', async () => {
    const scene = createScene();
    const store = await openStore('s3', scene.home);
    const swapper = new Swapper(scene);
    const watch = start('watch', scene, store);
    await swapper.swapFor(SWAP_MS);
    writeFileSync(join(scene.run, 'last.txt'), 'last');
    await waitFor('the last file', async () =>
      (await store.keys()).includes(`${UUID}/last.txt`) ? true : undefined,
    );

    expect(await watch.end('SIGTERM'), watch.output).toBe(0);
    const objects = await store.read();
    expectNoCanary(objects, watch.output);
    swapper.expectStored(objects);
  });

  it('leaks nothing to repeated syncs', async () => {
    const scene = createScene();
    const store = await openStore('file', scene.home);
    const swapper = new Swapper(scene);
    const swapping = swapper.swapFor(SWAP_MS);
    let isSwapping = true;
    const ended = swapping.finally(() => {
      isSwapping = false;
    });
    let output = '';
    while (isSwapping) {
      const sync = start('sync', scene, store);
      await sync.exited;
      output += sync.output;
    }
    await ended;
    const last = start('sync', scene, store);

    expect(await last.exited, last.output).toBe(0);
    const objects = await store.read();
    expectNoCanary(objects, output + last.output);
    swapper.expectStored(objects);
  });
});

/** Repeatedly replaces a directory, a file and a run directory by symlinks out of the tree, and restores them. */
class Swapper {
  readonly #scene: Scene;
  readonly #victim: string;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#victim = join(scene.runs, OTHER_UUID);
    mkdirSync(join(scene.run, 'swapped'));
    mkdirSync(this.#victim);
    // These names also exist outside.
    for (const directory of [join(scene.run, 'swapped'), this.#victim])
      writeFileSync(join(directory, 'secret.txt'), 'harmless');
    writeFileSync(join(scene.run, 'file.txt'), 'harmless');
  }

  async swapFor(ms: number): Promise<void> {
    const { run, home, outside } = this.#scene;
    const directories = [join(run, 'swapped'), this.#victim];
    const file = join(run, 'file.txt');
    const endMs = performance.now() + ms;
    for (let turn = 0; performance.now() < endMs; turn += 1) {
      for (const [index, directory] of directories.entries()) {
        renameSync(directory, join(home, `kept-${index}`));
        symlinkSync(outside.directory, directory);
      }
      rmSync(file);
      symlinkSync(outside.secret, file);
      await sleep(turn % 7);
      for (const [index, directory] of directories.entries()) {
        unlinkSync(directory);
        renameSync(join(home, `kept-${index}`), directory);
        writeFileSync(join(directory, 'secret.txt'), `harmless ${turn}`);
      }
      unlinkSync(file);
      writeFileSync(file, `harmless ${turn}`);
      await sleep(turn % 11);
    }
  }

  expectStored(objects: Objects): void {
    const { runs } = this.#scene;
    for (const path of [`${UUID}/swapped/secret.txt`, `${OTHER_UUID}/secret.txt`, `${UUID}/file.txt`])
      expect(objects.get(path)?.toString(), path).toBe(readFileSync(join(runs, path), 'utf8'));
  }
}

/** Parses the document of `sync --json`, or the last line of `watch --json`. */
function toReport(output: string): Report {
  const document = /^\{\n[\s\S]*?^\}/m.exec(output)?.[0];
  const line = output.split('\n').findLast((text) => text.startsWith('{"kind":"report"'));
  return JSON.parse(document ?? line ?? '') as Report;
}
