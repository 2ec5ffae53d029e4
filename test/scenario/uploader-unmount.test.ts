/** The root disappears while it is watched: the uploader deletes nothing in the store, reports it, and resumes afterwards. */

import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { compareHashes, hashObjects, hashTree } from '../../bench/support/hashes.mjs';
import { startWatch, UploaderProcess } from '../../bench/support/uploader-process.mjs';
import { waitFor } from '../support/child-server.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = 'a7'.repeat(16);
/** Longer than the scanner takes to check all recently written files. */
const AWAY_MS = 4_000;

/** How a root can disappear: `away` removes it, and `back` restores it with all its files. */
interface Way {
  readonly name: string;
  /** Whether the root is a mount point, if the system allows that. */
  readonly isMount: boolean;
  /** The reason that the uploader must report. */
  readonly why: string;
  readonly away: (place: Place) => void;
  readonly back: (place: Place) => void;
}

interface Place {
  /** Location of the files while the root is unavailable. */
  readonly disk: string;
  readonly root: string;
  /** Directory for a copy. */
  readonly kept: string;
}

const WAYS: readonly Way[] = [
  { name: 'is unmounted', isMount: true, why: 'it is empty', away: unmount, back: mount },
  {
    name: 'is unmounted, and its mount point is removed',
    isMount: true,
    why: 'it does not exist',
    away: (place) => {
      unmount(place);
      rmSync(place.root, { recursive: true });
    },
    back: (place) => {
      mkdirSync(place.root);
      mount(place);
    },
  },
  {
    name: 'is replaced by another directory',
    isMount: false,
    why: 'none of its previous entries exist',
    away: (place) => {
      moveAway(place);
      mkdirSync(join(place.root, 'lost+found'));
    },
    back: moveBack,
  },
  {
    name: 'is emptied, as by a file system that has lost its contents',
    isMount: true,
    why: 'it is empty',
    away: ({ root, kept }) => {
      cpSync(root, kept, { recursive: true, preserveTimestamps: true });
      rmSync(join(root, 'runs'), { recursive: true });
    },
    back: ({ root, kept }) => cpSync(kept, root, { recursive: true, preserveTimestamps: true }),
  },
];

/** Whether bind mounts are allowed; if not, the directory is moved. */
const canMount = process.env.TEST_MOUNT !== 'no' && tryToMount();

describeWithPeers(['s3'], 'a root that disappears while it is watched', () => {
  it.each(WAYS)(
    'F13: pauses and reports a root that $name, and resumes when it is available again',
    async ({ isMount, away, back, why }) => {
      const server = await S3Server.start();
      const bucket = await server.bucket('runs');
      const home = createTempDir();
      const place = { disk: join(home, 'disk'), root: join(home, 'root'), kept: join(home, 'kept') };
      const run = join(place.root, 'runs', UUID);
      mkdirSync(place.root);
      mkdirSync(place.disk);
      if (isMount && canMount) mount(place);
      onTestFinished(() => {
        if (isMount && canMount) unmountIfMounted(place);
      });
      mkdirSync(join(run, 'outputs'), { recursive: true });
      for (let i = 0; i < 20; i += 1) writeFileSync(join(run, 'outputs', `file-${i}`), `content ${i}`);
      writeFileSync(join(run, 'train.log'), 'first\n');
      const client = server.createClient();
      onTestFinished(() => client.destroy());
      const stored = (): Promise<Record<string, string>> => hashObjects({ client, bucket }, 'team/');
      const untilEqual = (what: string, wanted: Record<string, string>): Promise<true> =>
        waitFor(what, async () => (compareHashes(wanted, await stored()).length === 0 ? true : undefined));
      const stateDir = join(home, 'state');
      const watch = startWatch({
        ...{ root: place.root, store: `s3://${bucket}/team`, stateDir, env: server.env, home },
        intervalSeconds: 0.5,
      });
      onTestFinished(() => void watch.end('SIGKILL'));
      const before = await hashTree(join(place.root, 'runs'));
      await untilEqual('the first files', before);

      away(place);
      const word = `paused: ${place.root}: ${why};`;
      await waitFor(word, () => (watch.output.includes(word) ? true : undefined));
      await sleep(AWAY_MS);
      expect(watch.isRunning, watch.output).toBe(true);
      expect(compareHashes(before, await stored())).toEqual([]);
      const status = new UploaderProcess(
        ['status', place.root, '--store', `s3://${bucket}/team`, '--state-dir', stateDir, '--json'],
        { env: server.env, home },
      );
      await status.exited;
      expect(status.output).toContain('"paused"');
      expect(watch.output).not.toContain('resumed');

      back(place);
      appendFileSync(join(run, 'train.log'), 'second\n');
      writeFileSync(join(run, 'outputs/late'), 'late');
      await untilEqual('all files', await hashTree(join(place.root, 'runs')));

      expect(await watch.end('SIGTERM'), watch.output).toBe(0);
      expect(compareHashes(await hashTree(join(place.root, 'runs')), await stored())).toEqual([]);
    },
  );
});

function mount(place: Place): void {
  if (canMount) execFileSync('mount', ['--bind', place.disk, place.root]);
  else moveBack(place);
}

function unmount(place: Place): void {
  if (canMount) execFileSync('umount', ['--lazy', place.root], { stdio: 'ignore' });
  else moveAway(place);
}

/** Simulates an unmount: moves the directory and leaves an empty one. */
function moveAway({ disk, root }: Place): void {
  renameSync(root, disk);
  mkdirSync(root);
}

function moveBack({ disk, root }: Place): void {
  rmSync(root, { recursive: true });
  renameSync(disk, root);
}

/** Unmounts the root, because the temporary directories are about to be removed. */
function unmountIfMounted(place: Place): void {
  try {
    unmount(place);
  } catch {
    // It is not mounted.
  }
}

function tryToMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'polytrack-mount-'));
  try {
    execFileSync('mount', ['--bind', directory, directory], { stdio: 'ignore' });
    execFileSync('umount', [directory], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
