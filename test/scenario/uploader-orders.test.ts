/** The same run with file changes in different orders: the store always ends up equal to the disk. */

import { randomBytes } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { compareHashes, hashObjects, hashTree, listObjects } from '../../bench/support/hashes.mjs';
import { createRandom } from '../../bench/support/random.mjs';
import { startWatch, UploaderProcess } from '../../bench/support/uploader-process.mjs';
import { encodeRecord } from '../../src/format/record/record-codec.js';
import { waitFor } from '../support/child-server.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = 'b8'.repeat(16);
const EVENT_FILE = 'outputs/tensorboard/events.out.tfevents.1700000000.host';
const LOG = 'logs/train.log';
const MODEL = 'outputs/model.bin';
const RANDOM_STEPS = 60;

/** Changes to the files of a run; each leaves complete files. */
type Happening = (run: string, random: () => number) => void;

const HAPPENINGS: Readonly<Record<string, Happening>> = {
  'an event file grows': (run, random) => append(run, EVENT_FILE, records(1 + Math.floor(random() * 40))),
  'a log grows': (run, random) => append(run, LOG, `${'line '.repeat(1 + Math.floor(random() * 400))}\n`),
  'a log is rotated': (run) => {
    if (!existsSync(join(run, LOG))) return;
    renameSync(join(run, LOG), join(run, `${LOG}.1`));
    append(run, LOG, 'after rotation\n');
  },
  'a log is copied and truncated': (run) => {
    if (!existsSync(join(run, LOG))) return;
    writeFileSync(join(run, `${LOG}.2`), readFileSync(join(run, LOG)));
    truncateSync(join(run, LOG), 0);
    append(run, LOG, 'restarted\n');
  },
  'an event file is restarted': (run) => {
    truncate(run, EVENT_FILE);
    append(run, EVENT_FILE, records(3));
  },
  'a model is replaced': (run, random) => {
    const path = join(run, MODEL);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.tmp`, randomBytes(1000 + Math.floor(random() * 100_000)));
    renameSync(`${path}.tmp`, path);
  },
  'a model is rewritten with the same size and timestamp': (run) => rewriteInPlace(join(run, MODEL)),
  'a model is deleted and recreated': (run) => {
    rmSync(join(run, MODEL), { force: true });
    append(run, MODEL, randomBytes(5000));
  },
  'the run ends': (run) => {
    append(run, '.plx/end-main.json', JSON.stringify({ status: 'succeeded' }));
    writeFileSync(
      join(run, 'run.plx.json.partial'),
      JSON.stringify({ uuid: basename(run), status: 'succeeded' }),
    );
    renameSync(join(run, 'run.plx.json.partial'), join(run, 'run.plx.json'));
  },
  'a file is renamed': (run, random) => {
    if (existsSync(join(run, MODEL)))
      renameSync(join(run, MODEL), join(run, `outputs/model-${Math.floor(random() * 5)}.bin`));
  },
  'an event file is created': (run, random) =>
    append(
      run,
      `outputs/tensorboard/events.out.tfevents.17000000${10 + Math.floor(random() * 5)}.host`,
      records(2),
    ),
};

interface Scene {
  readonly run: string;
  readonly root: string;
  readonly store: string;
  readonly stateDir: string;
  readonly home: string;
  readonly env: Record<string, string>;
  /** Returns files that are missing or different in the store. Objects of deleted files are kept and are not a difference. */
  differences(): Promise<string[]>;
  /** Returns the keys of previous versions. */
  generations(): Promise<string[]>;
  sync(): Promise<void>;
  watch(): UploaderProcess;
}

describeWithPeers(['s3'], 'orders of events', () => {
  let server: S3Server;
  let bucket: string;
  let count = 0;

  beforeAll(async () => {
    server = await S3Server.startShared();
    bucket = await server.bucket('runs');
  });

  function createScene(): Scene {
    const home = createTempDir();
    const root = join(home, 'root');
    const run = join(root, 'runs', UUID);
    mkdirSync(run, { recursive: true });
    count += 1;
    const prefix = `scene-${count}/`;
    const store = `s3://${bucket}/${prefix.slice(0, -1)}`;
    const stateDir = join(home, 'state');
    const client = server.createClient();
    onTestFinished(() => client.destroy());
    return {
      ...{ run, root, store, stateDir, home, env: server.env },
      async differences() {
        const disk = await hashTree(join(root, 'runs'));
        const stored = await hashObjects({ client, bucket }, prefix);
        return compareHashes(disk, Object.fromEntries(Object.entries(stored).filter(([key]) => key in disk)));
      },
      async generations() {
        const keys: string[] = [];
        for await (const { Key = '' } of listObjects({ client, bucket }, prefix))
          if (Key.includes('/.plx/gen/')) keys.push(Key.slice(prefix.length));
        return keys;
      },
      async sync() {
        const args = ['sync', root, '--store', store, '--state-dir', stateDir];
        const process = new UploaderProcess(args, { env: server.env, home });
        expect(await process.exited, process.output).toBe(0);
      },
      watch() {
        const watch = startWatch({ root, store, stateDir, env: server.env, home, intervalSeconds: 0.3 });
        onTestFinished(() => void watch.end('SIGKILL'));
        return watch;
      },
    };
  }

  const untilEqual = (scene: Scene): Promise<true> =>
    waitFor('an equal store', async () => ((await scene.differences()).length === 0 ? true : undefined));

  const ORDERS: readonly (readonly [string, readonly string[]])[] = [
    [
      'the event file is closed first',
      ['an event file grows', 'a log grows', 'an event file grows', 'the run ends', 'a log grows'],
    ],
    [
      'the event file is closed last',
      ['a log grows', 'the run ends', 'an event file grows', 'a log grows', 'an event file grows'],
    ],
    [
      'the run ends last of all',
      ['an event file grows', 'a model is replaced', 'a log grows', 'the run ends'],
    ],
    ['rotation', ['a log grows', 'a log is rotated', 'a log grows', 'a log is rotated', 'a log grows']],
    ['copy and truncate', ['a log grows', 'a log is copied and truncated', 'a log grows']],
    [
      'an event file that is restarted',
      ['an event file grows', 'an event file is restarted', 'an event file grows'],
    ],
    [
      'atomic replacement',
      ['a model is replaced', 'a model is replaced', 'a file is renamed', 'a model is replaced'],
    ],
    [
      'a rewrite that keeps size and timestamp',
      ['a model is replaced', 'a model is rewritten with the same size and timestamp'],
    ],
    ['deleted and recreated', ['a model is replaced', 'a model is deleted and recreated']],
  ];

  const STEPS = Math.max(...ORDERS.map(([, order]) => order.length));

  /** Applies the next change of each order that is not finished to its run. */
  function step({ root }: Scene, index: number): void {
    for (const [number, [, order]] of ORDERS.entries()) {
      const name = order[index];
      if (name !== undefined) HAPPENINGS[name]!(join(root, 'runs', toUuid(number)), createRandom(7));
    }
  }

  /** The expected keys of previous versions of a log and of an event file. */
  function keptGenerations(): string[] {
    const toRun = (name: string): string => toUuid(ORDERS.findIndex(([order]) => order === name));
    return [
      `${toRun('copy and truncate')}/.plx/gen/${LOG}/0`,
      `${toRun('an event file that is restarted')}/.plx/gen/${EVENT_FILE}/0`,
    ];
  }

  /** Returns the differences with the name of their order; each order has its own run. */
  async function wrongOrders(scene: Scene): Promise<string[]> {
    const differences = await scene.differences();
    return differences.map((text) => {
      const number = ORDERS.findIndex((_, each) => text.includes(toUuid(each)));
      return `${ORDERS[number]?.[0]}: ${text}`;
    });
  }

  it('stores each fixed order, with a sync after each event and with one sync at the end', async () => {
    const [often, once] = [createScene(), createScene()];
    for (let index = 0; index < STEPS; index += 1) {
      for (const scene of [often, once]) step(scene, index);
      await often.sync();
      expect(await wrongOrders(often)).toEqual([]);
    }
    await once.sync();

    expect(await wrongOrders(once)).toEqual([]);
    expect(await often.generations()).toEqual(expect.arrayContaining(keptGenerations()));
    // Nothing was stored before the files were truncated.
    expect(await once.generations()).toEqual([]);
  });

  it('stores each fixed order while it watches', async () => {
    const scene = createScene();
    const watch = scene.watch();
    for (let index = 0; index < STEPS; index += 1) {
      step(scene, index);
      // Let the uploader catch up after every other step only.
      await (index % 2 === 0 ? untilEqual(scene) : sleep(200));
    }

    await untilEqual(scene).catch(async (error: unknown) => {
      throw new Error(`${(await wrongOrders(scene)).join('; ')}\n${watch.output}`, { cause: error });
    });
    expect(await watch.end('SIGTERM'), watch.output).toBe(0);
    expect(await wrongOrders(scene)).toEqual([]);
    expect(await scene.generations()).toEqual(expect.arrayContaining(keptGenerations()));
  });

  it('stores growing files as a prefix of their later content', async () => {
    const scene = createScene();
    append(scene.run, MODEL, randomBytes(30 * 1024 * 1024));
    append(scene.run, LOG, 'first\n');
    let isSyncing = true;
    const sync = scene.sync().finally(() => {
      isSyncing = false;
    });
    for (let line = 0; isSyncing; line += 1) {
      append(scene.run, LOG, `line ${line}\n`);
      append(scene.run, EVENT_FILE, records(1));
      append(scene.run, MODEL, randomBytes(100));
      await sleep(5);
    }
    await sync;
    await scene.sync();

    expect(await scene.differences()).toEqual([]);
    expect(await scene.generations()).toEqual([]);
  });

  it('stores a random order while it watches', async () => {
    const seed = Number(process.env.ORDER_SEED ?? Date.now() % 100_000);
    const random = createRandom(seed);
    const scene = createScene();
    const watch = scene.watch();
    const names = Object.keys(HAPPENINGS);
    const log: string[] = [];
    for (let step = 0; step < RANDOM_STEPS; step += 1) {
      const name = names[Math.floor(random() * names.length)]!;
      log.push(name);
      HAPPENINGS[name]!(scene.run, random);
      await sleep(random() * 150);
    }
    const description = `seed ${seed}: ${log.join(', ')}`;

    await untilEqual(scene).catch(async (error: unknown) => {
      throw new Error(`${description}: ${(await scene.differences()).join('; ')}\n${watch.output}`, {
        cause: error,
      });
    });
    expect(await watch.end('SIGTERM'), description + watch.output).toBe(0);
    expect(await scene.differences(), description).toEqual([]);
  });

  it('stores a random order with syncs in between', async () => {
    const seed = Number(process.env.ORDER_SEED ?? Date.now() % 100_000);
    const random = createRandom(seed);
    const scene = createScene();
    const names = Object.keys(HAPPENINGS);
    const log: string[] = [];
    for (let step = 0; step < 8; step += 1) {
      for (let i = 0; i < 4; i += 1) {
        const name = names[Math.floor(random() * names.length)]!;
        log.push(name);
        HAPPENINGS[name]!(scene.run, random);
      }
      await scene.sync();
      expect(await scene.differences(), `seed ${seed}: ${log.join(', ')}`).toEqual([]);
    }
  });

  it('keeps the previous version of a truncated log and event file', async () => {
    const scene = createScene();
    append(scene.run, LOG, 'before\n'.repeat(1000));
    append(scene.run, EVENT_FILE, records(100));
    await scene.sync();
    truncate(scene.run, LOG);
    append(scene.run, LOG, 'after\n');
    truncate(scene.run, EVENT_FILE);
    append(scene.run, EVENT_FILE, records(2));
    await scene.sync();

    expect(await scene.differences()).toEqual([]);
    expect(await scene.generations()).toHaveLength(2);
  });
});

function toUuid(order: number): string {
  return order.toString(16).padStart(32, 'c');
}

function append(run: string, path: string, bytes: Buffer | string): void {
  mkdirSync(dirname(join(run, path)), { recursive: true });
  appendFileSync(join(run, path), bytes);
}

function truncate(run: string, path: string): void {
  if (existsSync(join(run, path))) truncateSync(join(run, path), 0);
}

/** Writes other bytes with the same size and modification time, so that only the change time differs. */
function rewriteInPlace(path: string): void {
  if (!existsSync(path)) return;
  const { size, atime, mtime } = statSync(path);
  const file = openSync(path, 'r+');
  writeSync(file, randomBytes(size), 0, size, 0);
  closeSync(file);
  utimesSync(path, atime, mtime);
}

function records(count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => encodeRecord(randomBytes(500))));
}
