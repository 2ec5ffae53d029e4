/** The commit engine over the bucket of the simulation: the contract of stores, and random histories of writers, lost responses and kills. */

import { crc32 } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { StoreAccessError } from '../../../../uploader/base/errors.js';
import { type FailedOutcome, OutcomeError } from '../../../../uploader/base/retry-table.js';
import { CommitEngine } from '../../../../uploader/store/base/commit-engine.js';
import { toMetadata } from '../../../../uploader/store/base/commit-metadata.js';
import type { Upload } from '../../../../uploader/store/base/driver.js';
import type {
  AppendOutcome,
  AppendRequest,
  CommitRequest,
  ObjectVersion,
  StoredPart,
} from '../../../../uploader/store/base/store.js';
import { Bucket, SimulatedDriver } from '../../../simulation/bucket.js';
import { InOrderDriver } from '../../../simulation/in-order-driver.js';
import { Machine, type Process } from '../../../simulation/machine.js';
import { Random } from '../../../simulation/random.js';
import { Scheduler } from '../../../simulation/scheduler.js';
import { commit, describeStore, someBytes, toSource } from './contract.js';

const KEY = 'run/file';
const HISTORIES = 60;
const STEPS = 8;
const MAX_CALLS = 60;
/** Around the limits of the bucket: one request up to 2,048 bytes, parts of 1,024, appends from 512. */
const SIZES = [0, 1, 511, 512, 513, 1024, 1025, 2047, 2048, 2049, 3072, 5000, 9000];

interface World {
  readonly scheduler: Scheduler;
  readonly bucket: Bucket;
  readonly machine: Machine;
  readonly random: Random;
}

function openWorld(seed: number, isConditional: boolean): World {
  const scheduler = new Scheduler();
  scheduler.random = new Random('order', seed);
  const bucket = new Bucket({ name: 'bucket', isConditional }, () => scheduler.nowMs);
  const machine = new Machine('host', scheduler);
  return { scheduler, bucket, machine, random: new Random('steps', seed) };
}

/** A store whose HEAD and lists of parts have no checksums. */
class SilentDriver extends SimulatedDriver {
  override async head(key: string, signal?: AbortSignal) {
    const found = await super.head(key, signal);
    return found.status === 'found' ? { ...found, object: { ...found.object, crc32: null } } : found;
  }

  override async listParts(upload: Upload) {
    const listed = await super.listParts(upload);
    if (listed.status !== 'listed') return listed;
    return { ...listed, parts: listed.parts.map((part) => ({ ...part, crc32: null })) };
  }
}

const DRIVERS = {
  'parts in any order': SimulatedDriver,
  'no checksums': SilentDriver,
  'parts in order': InOrderDriver,
};
type Kind = keyof typeof DRIVERS;

class Writer {
  readonly process: Process;
  readonly engine: CommitEngine<SimulatedDriver>;

  constructor({ bucket, machine }: World, seed: string, kind: Kind = 'parts in any order') {
    this.process = machine.start(seed);
    this.engine = new CommitEngine(new DRIVERS[kind](bucket, this.process), machine.clock);
  }
}

describe('CommitEngine', () => {
  describe.each(Object.keys(DRIVERS) as Kind[])('over a store with %s', (kind) => {
    // Only its HEAD shows that a base has other bytes.
    if (kind !== 'no checksums')
      describeStore(async () => {
        const world = openWorld(0, true);
        let end = (): void => undefined;
        const ended = new Promise<void>((resolve) => {
          end = resolve;
        });
        const running = world.scheduler.run(ended, Number.POSITIVE_INFINITY);
        onTestFinished(() => {
          end();
          return running;
        });
        const { engine } = new Writer(world, 'contract', kind);
        return { store: engine, sizes: [0, 1, 2048, 2049, 5000], tails: [1, 1024, 3000] };
      });

    it.each([
      [true, 0],
      [true, 0.3],
      [false, 0],
      [false, 0.3],
    ])(
      'has the effect that its outcome names: conditional writes %s, failures %d',
      async (isConditional, failures) => {
        // Google's conditions always hold.
        if (kind === 'parts in order' && !isConditional) return;
        for (let seed = 0; seed < HISTORIES; seed += 1) {
          const world = openWorld(seed, isConditional);
          world.bucket.failures = failures;
          await world.scheduler.run(playHistory(world, seed, kind), Number.POSITIVE_INFINITY);
        }
      },
    );
  });

  it('rejects objects that are larger than the store accepts, and no smaller ones', async () => {
    const world = openWorld(0, true);
    const { engine } = new Writer(world, 'limit');
    Object.assign(engine.driver.capabilities, { maxObjectBytes: 3000 });
    const send = (sizeBytes: number) =>
      world.scheduler.run(commit(engine, `run/${sizeBytes}`, someBytes(sizeBytes)), 60_000);

    expect(await send(3000)).toMatchObject({ status: 'stored' });
    expect(await send(3001)).toMatchObject({ status: 'failed', error: { code: 'ERR_STORE_LIMIT' } });
    expect([...world.bucket.objects.keys()]).toEqual(['run/3000']);
  });

  it('collects what killed processes have left of a key or below a directory, once it is old enough', async () => {
    for (const kind of ['parts in any order', 'parts in order'] as const) {
      const world = openWorld(0, true);
      const { bucket, scheduler } = world;
      const keys = ['run/a', 'run/a.1', 'run/b/c', 'other/a'];
      if (kind === 'parts in order')
        for (const key of keys) bucket.put(`.plx/tails/${key}/1234`, Buffer.from('tail'), {});
      else
        for (const key of keys)
          bucket.uploads.set(key, { key, metadata: {}, sinceMs: scheduler.nowMs, parts: new Map() });
      const left = (): string[] => [...bucket.uploads.keys(), ...bucket.objects.keys()];
      const { engine } = new Writer(world, 'collect', kind);
      const collect = (prefixes: string[], olderThanMs: number) =>
        scheduler.run(engine.collect({ prefixes, olderThanMs }), 60_000);
      scheduler.advance(1_000);

      expect(await collect([''], 5_000)).toEqual({ status: 'collected', removed: 0, left: 4 });
      expect(await collect(['run/a'], 500)).toEqual({ status: 'collected', removed: 1, left: 0 });
      expect(await collect(['run/b/'], 500)).toEqual({ status: 'collected', removed: 1, left: 0 });
      expect(left()).toHaveLength(2);
      expect(await collect([''], 0)).toEqual({ status: 'collected', removed: 2, left: 0 });
      bucket.isDown = true;
      if (kind === 'parts in any order') expect(await collect([''], 0)).toMatchObject({ status: 'retry' });
    }
  });

  it('takes an object that no longer exists for removed, and no other conflict', async () => {
    const world = openWorld(0, true);
    const { engine } = new Writer(world, 'remove');
    engine.driver.remove = async () => ({ status: 'conflict' });
    const version = { etag: 'e', sizeBytes: 1 };
    const remove = () => world.scheduler.run(engine.remove({ key: KEY, version }), 60_000);

    expect(await remove()).toEqual({ status: 'removed' });
    world.bucket.put(KEY, Buffer.from('x'), {});
    expect(await remove()).toEqual({ status: 'conflict' });
    world.bucket.isDown = true;
    expect(await remove()).toMatchObject({ status: 'retry' });
    engine.driver.remove = async () => ({ status: 'removed' });
    expect(await remove()).toEqual({ status: 'removed' });
  });

  it('sends an object in one request to a store that accepts no parts, if it is small enough for that', async () => {
    const world = openWorld(0, true);
    const { engine } = new Writer(world, 'no parts');
    engine.driver.openUpload = async () => {
      Object.assign(engine.driver.capabilities, { maxObjectBytes: 4000 });
      return { status: 'unsupported', again: false };
    };
    const send = (sizeBytes: number) =>
      world.scheduler.run(commit(engine, `run/${sizeBytes}`, someBytes(sizeBytes)), 60_000);

    expect(await send(4001)).toMatchObject({ status: 'failed', error: { code: 'ERR_STORE_LIMIT' } });
    Object.assign(engine.driver.capabilities, { maxObjectBytes: 9000 });
    expect(await send(4000)).toMatchObject({ status: 'stored' });
    expect([...world.bucket.objects.keys()]).toEqual(['run/4000']);
  });

  it('does not append when the key of the tail would be too long', async () => {
    const world = openWorld(0, true);
    const { engine } = new Writer(world, 'long key', 'parts in order');
    Object.assign(engine.driver, { toTailKey: () => null });
    const bytes = someBytes(100);
    const start = bytes.subarray(0, 50);
    const etag = world.bucket.put(KEY, start, {});
    const append = engine.append({
      ...{ key: KEY, base: { etag, sizeBytes: 50, crc32: crc32(start) }, commitId: '1' },
      ...{ target: { sizeBytes: 100, crc32: crc32(bytes) }, source: toSource(bytes) },
    });

    expect(await world.scheduler.run(append, 60_000)).toEqual({ status: 'unsupported' });
    expect([...world.bucket.objects.keys()]).toEqual([KEY]);
  });

  it('refuses an append whose result the store cannot have, without a request', async () => {
    const world = openWorld(0, true);
    const { engine } = new Writer(world, 'limit of appends');
    const bytes = someBytes(4000);
    const start = bytes.subarray(0, 1000);
    const etag = world.bucket.put(KEY, start, {});
    Object.assign(engine.driver.capabilities, { maxObjectBytes: 3999 });
    const { requests } = world.bucket;
    const append = engine.append({
      ...{ key: KEY, base: { etag, sizeBytes: 1000, crc32: crc32(start) }, commitId: '1' },
      ...{ target: { sizeBytes: 4000, crc32: crc32(bytes) }, source: toSource(bytes) },
    });

    expect(await world.scheduler.run(append, 60_000)).toMatchObject({
      status: 'failed',
      error: { message: `${KEY} has 4000 bytes, the store accepts at most 3999` },
    });
    expect(world.bucket.requests).toBe(requests);
  });

  /** A commit in parts whose completion the store rejects for good, after `before`. */
  async function complete(before: (world: World) => void, outcome: FailedOutcome) {
    const world = openWorld(0, true);
    const { engine } = new Writer(world, 'rejected');
    let finals = 0;
    engine.driver.complete = async () => {
      before(world);
      return { status: 'rejected', isGone: false, outcome, onFinal: () => (finals += 1) };
    };
    const old = Buffer.from('before');
    const etag = world.bucket.put(KEY, old, {});
    const bytes = someBytes(5000);
    const replace = engine.commit({
      ...{ key: KEY, base: { etag, sizeBytes: old.length }, commitId: '1', source: toSource(bytes) },
      target: { sizeBytes: bytes.length, crc32: crc32(bytes) },
    });
    const answer = await world.scheduler.run(replace, 60_000);
    expect([...world.bucket.uploads.keys()]).toEqual([]);
    return { answer, finals };
  }

  it('passes on why a completion is rejected, unless another writer has stored an object', async () => {
    const outcome = { status: 'failed', error: new StoreAccessError('no') } as const;

    expect(await complete(() => undefined, outcome)).toEqual({ answer: outcome, finals: 1 });
    const theirs = ({ bucket }: World) => void bucket.put(KEY, Buffer.from('theirs'), {});
    expect(await complete(theirs, outcome)).toEqual({ answer: { status: 'conflict' }, finals: 0 });
    const ours = ({ bucket }: World) => void bucket.put(KEY, someBytes(5000), {});
    expect((await complete(ours, outcome)).finals).toBe(0);
  });

  it('waits for an object whose upload is gone, if the store makes it visible late, and sends nothing again', async () => {
    const world = openWorld(0, true);
    const { bucket, scheduler } = world;
    const bytes = someBytes(5000);
    const first = new Writer(world, 'first');
    let uploadId = '';
    first.process.onEffect = (effect) => (effect === 4 ? 'kill' : null);
    const request: CommitRequest = {
      ...{ key: KEY, base: null, commitId: 'c', source: toSource(bytes) },
      target: { sizeBytes: bytes.length, crc32: crc32(bytes) },
      onUploadOpened: (id) => {
        uploadId = id;
      },
    };
    await scheduler.run(
      first.engine.commit(request).catch(() => undefined),
      60_000,
    );
    bucket.uploads.clear();
    const second = new Writer(world, 'second');
    const startMs = scheduler.nowMs;
    const clock = world.machine.clock;
    void clock.sleep(3_000).then(() => bucket.put(KEY, bytes, toMetadata(request)));
    let sentBytes = 0;
    const outcome = await scheduler.run(
      second.engine.commit({
        ...request,
        unfinished: { uploadId, parts: [] },
        onBytesSent: (sizeBytes) => {
          sentBytes += sizeBytes;
        },
      }),
      60_000,
    );

    expect(outcome).toMatchObject({ status: 'stored' });
    expect(sentBytes).toBe(0);
    expect(scheduler.nowMs - startMs).toBeGreaterThanOrEqual(3_000);
    expect(scheduler.nowMs - startMs).toBeLessThan(4_000);
  });

  it('reads an object of the same size after a conflict, if the store tells no checksums', async () => {
    const world = openWorld(0, true);
    const { engine } = new Writer(world, 'same size', 'no checksums');
    const bytes = someBytes(100);
    const send = () => world.scheduler.run(commit(engine, KEY, bytes), 60_000);
    const etag = world.bucket.put(KEY, bytes, {});
    expect(await send()).toEqual({ status: 'stored', etag });

    world.bucket.put(KEY, Buffer.from(bytes).fill('x', 99), {});
    expect(await send()).toEqual({ status: 'conflict' });
    const cause = new Error('cannot be read');
    engine.driver.read = async function* () {
      yield Buffer.alloc(0);
      throw new OutcomeError({ status: 'retry', cause });
    };
    expect(await send()).toMatchObject({ status: 'retry', cause });
  });

  it('asks for the object when a connection closes early, because the store may have rejected the condition', async () => {
    const world = openWorld(0, true);
    const { engine } = new Writer(world, 'early end');
    const cause = new Error('closed');
    engine.driver.put = async () => ({ status: 'retry', cause, mayBeRejected: true });
    const send = () => world.scheduler.run(commit(engine, KEY, someBytes(10)), 60_000);

    expect(await send()).toMatchObject({ status: 'retry', cause });
    world.bucket.put(KEY, Buffer.from('theirs'), {});
    expect(await send()).toEqual({ status: 'conflict' });
    engine.driver.put = async () => ({ status: 'retry', cause });
    expect(await send()).toMatchObject({ status: 'retry', cause });
  });

  it('rejects an append that keeps more than the base or the target has', async () => {
    const { engine } = new Writer(openWorld(0, true), 'range');
    const base = { etag: 'e', sizeBytes: 1000, crc32: 0 };
    const append = (keepBytes: number, sizeBytes: number) =>
      engine.append({
        ...{ key: KEY, base, keep: { sizeBytes: keepBytes, crc32: 0 }, commitId: '1' },
        target: { sizeBytes, crc32: 0 },
        source: toSource(Buffer.alloc(0)),
      });

    await expect(append(1001, 2000)).rejects.toThrow(
      new RangeError(`${KEY}: keep 1001 exceeds base 1000 or target 2000`),
    );
    await expect(append(1000, 999)).rejects.toThrow(RangeError);
  });
});

/** What a writer knows of the object. */
type Base = (ObjectVersion & { readonly crc32: number; readonly bytes: Buffer }) | null;

async function playHistory(world: World, seed: number, kind: Kind): Promise<void> {
  const { bucket, random } = world;
  const { failures } = bucket;
  const hasKills = seed % 2 === 0;
  const hasRemovals = seed % 4 > 1;
  // After a removal, the engine asks 20 times for the object, without a failure in between.
  if (hasRemovals) bucket.failures = failures / 6;
  const bases: Base[] = [null];
  let writer = new Writer(world, `${seed} first`, kind);
  const minBytes = writer.engine.capabilities.append!.minBaseBytes;
  for (let step = 0; step < STEPS; step += 1) {
    const trace = `seed ${seed}, step ${step}`;
    // Most writers know the object; some have an outdated base.
    const base = random.chance(0.8) ? bases.at(-1)! : random.pick(bases);
    const isAppend = base !== null && random.chance(0.6);
    // An append may keep only the beginning of the base.
    const keptBytes =
      isAppend && random.chance(0.3) ? random.below(base.sizeBytes + 1) : (base?.sizeBytes ?? 0);
    const kept = (base?.bytes ?? Buffer.alloc(0)).subarray(0, keptBytes);
    const tail = someBytes(random.pick(SIZES) + random.below(3));
    const bytes = isAppend ? Buffer.concat([kept, tail]) : tail;
    const isWrong = random.chance(0.1);
    const commitId = random.id();
    const parts: StoredPart[] = [];
    let uploadId: string | null = null;
    let sentBytes = 0;
    let calls = 0;
    const before = bucket.objects.get(KEY);
    const toRequest = (): CommitRequest => ({
      ...{ key: KEY, base, commitId, generation: step },
      source: toSource(isWrong ? spoil(bytes, isAppend ? keptBytes : 0) : bytes),
      target: { sizeBytes: bytes.length, crc32: crc32(bytes) },
      onBytesSent: (sizeBytes) => {
        sentBytes += sizeBytes;
      },
      onUploadOpened: (id) => {
        uploadId = id;
        parts.length = 0;
      },
      onPartStored: (part) => parts.push(part),
      ...(uploadId === null ? {} : { unfinished: { uploadId, parts: [...parts] } }),
    });
    const send = (): Promise<AppendOutcome> =>
      isAppend
        ? writer.engine.append({
            ...(toRequest() as AppendRequest),
            keep: { sizeBytes: keptBytes, crc32: crc32(kept) },
          })
        : writer.engine.commit(toRequest());

    let outcome: AppendOutcome | null = null;
    while (outcome === null || outcome.status === 'retry') {
      calls += 1;
      expect(calls, trace).toBeLessThan(MAX_CALLS);
      // Another program removes unfinished uploads.
      if (hasRemovals && calls > 1 && calls < 5 && random.chance(0.5)) {
        bucket.uploads.clear();
        if (writer.engine.driver instanceof InOrderDriver) writer.engine.driver.endUploads();
      }
      const { driver } = writer.engine;
      if (driver instanceof InOrderDriver) driver.shortParts = failures;
      const dies = hasKills && random.chance(0.3) ? random.below(6) : -1;
      const from = writer.process.effects;
      writer.process.onEffect = (effect) => (effect - from === dies ? 'kill' : null);
      outcome = await send().catch((error: unknown) => {
        if (!writer.process.isDead) throw error;
        writer = new Writer(world, `${seed} ${step} ${calls}`, kind);
        return null;
      });
    }

    const after = bucket.objects.get(KEY);
    switch (outcome.status) {
      case 'stored': {
        expect(after?.etag, trace).toBe(outcome.etag);
        expect(after?.bytes.equals(bytes), trace).toBe(true);
        // Without faults, a bucket that keeps whole parts is sent nothing that it has.
        if (failures === 0 && calls === 1 && kind !== 'parts in order')
          expect(sentBytes, trace).toBeLessThanOrEqual(bytes.length - (isAppend ? keptBytes : 0));
        bases.push({ etag: outcome.etag, sizeBytes: bytes.length, crc32: crc32(bytes), bytes });
        break;
      }
      case 'conflict':
        expect(after, trace).toEqual(before);
        expect(after?.etag ?? null, trace).not.toBe(base?.etag ?? null);
        // Without checksums, only a commit reads the object: an append is planned again.
        if (!isWrong && !(isAppend && kind === 'no checksums'))
          expect(after?.bytes.equals(bytes) ?? false, trace).toBe(false);
        break;
      case 'changed':
        expect(after, trace).toEqual(before);
        expect(isWrong, trace).toBe(true);
        break;
      case 'unsupported':
        expect(after, trace).toEqual(before);
        expect(isAppend && (keptBytes < minBytes || keptBytes < base.sizeBytes), trace).toBe(true);
        expect(sentBytes, trace).toBe(0);
        break;
      case 'failed':
        throw outcome.error;
      default:
        throw new Error(`${trace}: ${JSON.stringify(outcome satisfies never)}`);
    }
    const { driver } = writer.engine;
    if (!hasKills && failures === 0) {
      expect([...bucket.uploads.keys()], trace).toEqual([]);
      if (driver instanceof InOrderDriver) expect(driver.leftovers, trace).toEqual([]);
    }
  }
}
/** Changes one byte behind `from`, or removes the last one. */
function spoil(bytes: Buffer, from: number): Buffer {
  if (bytes.length === from) return bytes.subarray(0, Math.max(0, from - 1));
  const spoiled = Buffer.from(bytes);
  spoiled[bytes.length - 1]! ^= 1;
  return spoiled;
}
