/**
 * A hostile tree, with the whole commands: nothing outside of it is read, each shape is stored under a key that leads back to its name or is
 * reported by name and reason, and everything else goes on.
 */

import {
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
import { startWatch, UploaderProcess } from '../../bench/support/uploader-process.mjs';
import { waitFor } from '../support/child-server.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { createTempDir } from '../support/temp-dir.js';
import { makeShapes, type Outside, type Shape } from './hostile-shapes.js';

const UUID = 'f6'.repeat(16);
const CANARY = 'canary-8c1f0b';
const MIN_SHAPES = 60;
const TIMEOUT_MS = 120_000;
const SWAP_MS = 4_000;

interface Report {
  readonly skipped: readonly { path: string; reason: string }[];
  readonly unsent: readonly { path: string; code: string }[];
}

type Objects = ReadonlyMap<string, Buffer>;

function createScene(): { home: string; root: string; run: string; outside: Outside } {
  const home = createTempDir();
  const root = join(home, 'root');
  const run = join(root, 'runs', UUID);
  const directory = join(home, 'outside');
  mkdirSync(run, { recursive: true });
  mkdirSync(directory);
  const secret = join(directory, 'secret.txt');
  writeFileSync(secret, CANARY);
  return { home, root, run, outside: { directory, secret } };
}

/** Each shape is one of the two: an object with its content under a key that gives its name, or a line in the report. */
function expectAccountedFor(shapes: readonly Shape[], run: string, objects: Objects, report: Report): void {
  const byName = new Map([...objects].map(([key, bytes]) => [decodeKey(key).toString('latin1'), bytes]));
  expect(byName.size).toBe(objects.size);
  const toName = (path: string): string => decodeKey(path.slice(UUID.length + 1)).toString('latin1');
  const skipped = new Map(report.skipped.map(({ path, reason }) => [toName(path), reason]));
  const unsent = new Map(report.unsent.map(({ path, code }) => [toName(path), code]));
  for (const { what, path, outcome } of shapes) {
    const name = path.toString('latin1');
    if (outcome === 'stored')
      expect(byName.get(name)?.toString(), what).toBe(
        readFileSync(Buffer.concat([Buffer.from(`${run}/`), path])).toString(),
      );
    else {
      expect(byName.has(name), what).toBe(false);
      expect(skipped.get(name) ?? unsent.get(name), what).toBe(outcome);
    }
  }
  const stored = shapes.filter(({ outcome }) => outcome === 'stored');
  expect(objects.size).toBe(stored.length);
}

/** The bytes that a key stands for; by hand, so that the program is not its own witness. */
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

/** Objects of the run, by their key inside of it, without the uploader's own. */
async function readBucket(server: S3Server, bucket: string): Promise<Objects> {
  const client = server.createClient();
  const objects = new Map<string, Buffer>();
  for (const key of await listKeys(server, bucket)) {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: `team/${UUID}/${key}` }));
    objects.set(key, Buffer.from((await Body?.transformToByteArray()) ?? []));
  }
  client.destroy();
  return objects;
}

async function listKeys(server: S3Server, bucket: string): Promise<string[]> {
  const client = server.createClient();
  const keys: string[] = [];
  const prefix = `team/${UUID}/`;
  for await (const { Key = '' } of listObjects({ client, bucket }, prefix))
    keys.push(Key.slice(prefix.length));
  client.destroy();
  return keys.filter((key) => !key.startsWith('.plx/'));
}

function readStore(directory: string): Objects {
  const objects = new Map<string, Buffer>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const key = path.slice(directory.length + 1);
    if (entry.isFile() && !key.startsWith('.plx/')) objects.set(key, readFileSync(path));
  }
  return objects;
}

describeWithPeers(['s3'], 'a hostile tree', () => {
  it('is synced to S3 as far as it can be, and told of', { timeout: TIMEOUT_MS }, async () => {
    const { home, root, run, outside } = createScene();
    const shapes = await makeShapes(run, outside);
    const server = await S3Server.start();
    const bucket = await server.bucket('runs');

    const sync = new UploaderProcess(
      [
        'sync',
        root,
        '--store',
        `s3://${bucket}/team`,
        '--state-dir',
        join(home, 'state'),
        '--no-hardlinks',
        '--json',
      ],
      { env: server.env, home },
    );
    expect(await sync.exited, sync.output).toBe(1);

    const report = toReport(sync.output);
    const objects = await readBucket(server, bucket);
    expect(shapes.length).toBeGreaterThanOrEqual(MIN_SHAPES);
    expectAccountedFor(shapes, run, objects, report);
    expectNoCanary(objects, sync.output);
  });

  it('is watched into a directory, as it is made', { timeout: TIMEOUT_MS }, async () => {
    const { home, root, run, outside } = createScene();
    const store = join(home, 'store');
    const watch = startWatch({
      ...{ root, store: `file://${store}`, stateDir: join(home, 'state'), env: {}, home, intervalSeconds: 1 },
      args: ['--no-hardlinks', '--json'],
    });
    onTestFinished(() => void watch.end('SIGKILL'));
    await sleep(500);
    const shapes = await makeShapes(run, outside);
    const wanted = shapes.filter(({ outcome }) => outcome === 'stored').length;
    const directory = join(store, UUID);
    await waitFor('all that can be stored', () => {
      try {
        return readStore(directory).size >= wanted ? true : undefined;
      } catch {
        return undefined; // not made yet
      }
    });
    await watch.end('SIGTERM');

    const objects = readStore(directory);
    expectAccountedFor(shapes, run, objects, toReport(watch.output));
    expectNoCanary(objects, watch.output);
  });

  it('gives nothing away when directories and files are swapped for links all the time', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const { home, root, run, outside } = createScene();
    mkdirSync(join(run, 'swapped'));
    writeFileSync(join(run, 'swapped/secret.txt'), 'harmless');
    writeFileSync(join(run, 'file.txt'), 'harmless');
    const server = await S3Server.start();
    const bucket = await server.bucket('runs');
    const watch = startWatch({
      ...{ root, store: `s3://${bucket}/team`, stateDir: join(home, 'state'), env: server.env, home },
      intervalSeconds: 0.1,
    });
    onTestFinished(() => void watch.end('SIGKILL'));

    const endMs = performance.now() + SWAP_MS;
    for (let turn = 0; performance.now() < endMs; turn += 1) {
      renameSync(join(run, 'swapped'), join(run, `kept-${turn}`));
      symlinkSync(outside.directory, join(run, 'swapped'));
      rmSync(join(run, 'file.txt'));
      symlinkSync(outside.secret, join(run, 'file.txt'));
      await sleep(turn % 7);
      unlinkSync(join(run, 'swapped'));
      renameSync(join(run, `kept-${turn}`), join(run, 'swapped'));
      writeFileSync(join(run, 'swapped/secret.txt'), `harmless ${turn}`);
      unlinkSync(join(run, 'file.txt'));
      writeFileSync(join(run, 'file.txt'), `harmless ${turn}`);
      await sleep(turn % 11);
    }
    writeFileSync(join(run, 'last.txt'), 'last');
    await waitFor('the last file', async () =>
      (await listKeys(server, bucket)).includes('last.txt') ? true : undefined,
    );
    const code = await watch.end('SIGTERM');

    expect(code, watch.output).toBe(0);
    const objects = await readBucket(server, bucket);
    expectNoCanary(objects, watch.output);
    expect(objects.get('swapped/secret.txt')?.toString()).toBe(
      readFileSync(join(run, 'swapped/secret.txt'), 'utf8'),
    );
    expect(objects.get('file.txt')?.toString()).toBe(readFileSync(join(run, 'file.txt'), 'utf8'));
  });
});

/** The document that `sync --json` prints, or the last line of `watch --json`. */
function toReport(output: string): Report {
  const document = /^\{\n[\s\S]*?^\}/m.exec(output)?.[0];
  const line = output.split('\n').findLast((text) => text.startsWith('{"kind":"report"'));
  return JSON.parse(document ?? line ?? '') as Report;
}
