import fs, {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Diagnostics } from '../../../src/base/diagnostics.js';
import { DiskEventFile } from '../../../src/format/writer/disk-event-file.js';
import { EventFileWriter } from '../../../src/format/writer/event-file-writer.js';
import { readValues } from '../../support/read-run.js';
import { createTempDir } from '../../support/temp-dir.js';

interface Opened {
  readonly writer: EventFileWriter;
  readonly directory: string;
  readonly counts: () => Readonly<Record<string, number>>;
}

function open(options: { readonly fsync?: boolean; readonly maxFileBytes?: number } = {}): Opened {
  const directory = join(createTempDir(), 'log');
  const diagnostics = new Diagnostics({ onError: () => undefined, onWarning: () => undefined });
  const writer = new EventFileWriter(directory, { diagnostics, flushIntervalMs: 3_600_000, ...options });
  return { writer, directory, counts: () => diagnostics.counts };
}

/** Replaces a function of `node:fs`, also in modules that have imported it. */
function patch<
  Name extends
    | 'fdatasyncSync'
    | 'fsyncSync'
    | 'fdatasync'
    | 'fsync'
    | 'lstatSync'
    | 'openSync'
    | 'closeSync'
    | 'writeSync',
>(name: Name, replacement: (original: (typeof fs)[Name]) => (typeof fs)[Name]): void {
  const original = fs[name];
  fs[name] = replacement(original);
  syncBuiltinESMExports();
  onTestFinished(() => {
    fs[name] = original;
    syncBuiltinESMExports();
  });
}

const eio = () => Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });

/** What another program may do to the file of a live writer. `losesBytes`: it cannot be made good. */
const INTRUSIONS: Readonly<
  Record<
    string,
    { readonly losesBytes?: true; readonly run: (at: { file: string; directory: string }) => void }
  >
> = {
  'the file is removed': { run: ({ file }) => rmSync(file) },
  'the directory is removed': { run: ({ directory }) => rmSync(directory, { recursive: true }) },
  'the directory is replaced by an empty one': {
    run: ({ directory }) => {
      rmSync(directory, { recursive: true });
      mkdirSync(directory);
    },
  },
  'the directory is moved away': {
    run: ({ directory }) => {
      rmSync(`${directory}-moved`, { recursive: true, force: true });
      renameSync(directory, `${directory}-moved`);
    },
  },
  'the file is replaced by a copy of itself': {
    run: ({ file }) => {
      copyFileSync(file, `${file}.copy`);
      renameSync(`${file}.copy`, file);
    },
  },
  'the file is replaced by another one': {
    run: ({ file }) => {
      rmSync(file);
      writeFileSync(file, '');
    },
  },
  'the file is truncated': { losesBytes: true, run: ({ file }) => truncateSync(file) },
};

describe('an event file of a live writer', () => {
  it.each(Object.entries(INTRUSIONS))(
    'F68: has all events, or a counted loss, when %s at any time',
    async (_name, { losesBytes, run }) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ events: fc.integer({ min: 0, max: 20 }), hits: fc.boolean() }), {
            minLength: 1,
            maxLength: 5,
          }),
          fc.boolean(),
          async (rounds, rotates) => {
            const { writer, directory, counts } = open(rotates ? { maxFileBytes: 500 } : {});
            let step = 0;
            for (const { events, hits } of rounds) {
              for (let i = 0; i < events; i++) writer.writeScalar('loss', step, step++, undefined);
              if (hits && writer.currentFile !== undefined) run({ file: writer.currentFile, directory });
              await writer.flush();
              expect(readdirSync(directory)).toContain(writer.currentFile!.split('/').at(-1));
            }
            const warned = counts().WARN_EVENT_FILE_REMOVED ?? 0;
            writer.writeScalar('loss', step, step++, undefined);
            await writer.close();

            const steps = new Set((await readValues(directory)).map((value) => Number(value.step)));
            const wasHit = rounds.some(({ hits }) => hits);
            expect(warned > 0).toBe(wasHit);
            expect(steps.has(step - 1)).toBe(true);
            if (losesBytes === undefined && !rotates) expect(steps.size).toBe(step);
          },
        ),
        { numRuns: 15 },
      );
    },
  );

  it('F68: rejects flush while its directory is a file, and has all events afterwards', async () => {
    const { writer, directory } = open();
    writer.writeScalar('loss', 1, 1, undefined);
    await writer.flush();
    rmSync(directory, { recursive: true });
    writeFileSync(directory, '');
    writer.writeScalar('loss', 2, 2, undefined);

    await expect(writer.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    rmSync(directory);
    await writer.close();

    expect(await readValues(directory)).toHaveLength(2);
  });

  it('F68: is not created where a file has the name of its directory, without trying forever', async () => {
    const directory = join(createTempDir(), 'log');
    writeFileSync(directory, '');
    const diagnostics = new Diagnostics({ onError: () => undefined });
    const writer = new EventFileWriter(directory, { diagnostics });

    await expect(writer.close()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
  });
});

describe('the descriptor of an event file', () => {
  it.each([1, 2, 3])(
    'F69: is closed once when syncing fails %d times, and never that of another file',
    async (failures) => {
      let left = failures;
      patch('fdatasyncSync', (original) => (fd) => {
        if (left-- > 0) throw eio();
        original(fd);
      });
      const { writer, directory } = open({ fsync: true, maxFileBytes: 300 });
      for (let step = 0; step < 20; step++) writer.writeScalar('loss', step, step, undefined);

      await expect(writer.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
      const own = join(directory, '../checkpoint.bin');
      const fd = openSync(own, 'w');
      writeSync(fd, 'first half, ');
      for (let step = 20; step < 40; step++) {
        writer.writeScalar('loss', step, step, undefined);
        await writer.flush();
      }
      await writer.close();
      await writer.flush();
      writeSync(fd, 'second half');
      closeSync(fd);

      expect(readFileSync(own, 'utf8')).toBe('first half, second half');
      expect(await readValues(directory)).toHaveLength(40);
    },
  );

  it('F69: is closed only after a background sync, while the file rotates and closes', async () => {
    const inUse = new Set<number>();
    const closedInUse: number[] = [];
    patch('closeSync', (original) => (fd) => {
      if (inUse.has(fd)) closedInUse.push(fd);
      original(fd);
    });
    const sync = (fd: number, done: fs.NoParamCallback) => {
      inUse.add(fd);
      setImmediate(() => {
        inUse.delete(fd);
        done(null);
      });
    };
    patch('fdatasync', () => Object.assign(sync, { __promisify__: fs.fdatasync.__promisify__ }));
    const { writer } = open({ fsync: true, maxFileBytes: 300 });
    const flushes: Promise<void>[] = [];
    for (let step = 0; step < 50; step++) {
      writer.writeScalar('loss', step, step, undefined);
      flushes.push(writer.flush());
    }
    flushes.push(writer.close());

    await Promise.all(flushes);

    expect(closedInUse).toEqual([]);
  });

  it('never replaces a file of the same name', () => {
    const directory = createTempDir();
    writeFileSync(join(directory, 'events.out.tfevents.1'), 'other');

    expect(() => new DiskEventFile(directory, 'events.out.tfevents.1')).toThrow('EEXIST');
    expect(readFileSync(join(directory, 'events.out.tfevents.1'), 'utf8')).toBe('other');
  });

  it('F69: reports a directory that cannot be synced once, and then continues', async () => {
    const { writer } = open({ fsync: true, maxFileBytes: 200 });
    let left = 1;
    patch('fsyncSync', (original) => (fd) => {
      if (left-- > 0) throw eio();
      original(fd);
    });
    for (let step = 0; step < 20; step++) writer.writeScalar('loss', step, step, undefined);

    await expect(writer.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    await writer.flush();
    await writer.close();
  });

  it.each(['a background sync', 'the sync of an earlier file'])(
    'F69: is written again after %s has failed',
    async (what) => {
      const isRotated = what !== 'a background sync';
      const { writer, directory } = open({ fsync: true, ...(isRotated ? { maxFileBytes: 300 } : {}) });
      let left = 2;
      const fail = (): void => {
        if (left-- > 0) throw eio();
      };
      const written: number[] = [];
      patch(
        'writeSync',
        (original) =>
          ((fd: number, bytes: Uint8Array, at: number, ...rest: [number, number]) => {
            written.push(rest[1]);
            return original(fd, bytes, at, ...rest);
          }) as typeof fs.writeSync,
      );
      patch('fdatasyncSync', (original) => (fd) => {
        if (isRotated) fail();
        original(fd);
      });
      patch('fdatasync', (original) => {
        const sync = (fd: number, done: fs.NoParamCallback): void =>
          !isRotated && left-- > 0 ? done(eio()) : original(fd, done);
        return Object.assign(sync, { __promisify__: fs.fdatasync.__promisify__ });
      });
      for (let step = 0; step < 8; step++) writer.writeScalar('loss', step, step, undefined);
      await expect(writer.flush()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
      const [first] = readdirSync(directory).sort();
      const before = readFileSync(join(directory, first!));
      written.length = 0;

      await writer.flush().catch(() => undefined); // the second failure
      await writer.flush();

      // The same bytes again, from the start of the file.
      expect(written).toContain(0);
      expect(readFileSync(join(directory, first!))).toEqual(before);
      expect(await readValues(directory)).toHaveLength(8);
      await writer.close();
    },
  );
});

/** The descriptors that are open of those that are opened from now on. */
function trackDescriptors(): ReadonlySet<number> {
  const open = new Set<number>();
  patch('openSync', (original) => (path, flags, mode) => {
    const fd = original(path, flags, mode);
    open.add(fd);
    return fd;
  });
  patch('closeSync', (original) => (fd) => {
    open.delete(fd);
    original(fd);
  });
  return open;
}

describe('DiskEventFile', () => {
  it('closes each descriptor that it has opened, also those that two syncs use', async () => {
    const open = trackDescriptors();
    const file = new DiskEventFile(join(createTempDir(), 'log'), 'events');
    file.write(Buffer.from('bytes'), 0);

    const syncs = Promise.all([file.sync(), file.sync()]);
    expect(open.size).toBe(1);
    file.close(false);
    await syncs;

    expect([...open]).toEqual([]);
  });

  it('closes the descriptors of directories that cannot be synced', () => {
    const open = trackDescriptors();
    patch('fsyncSync', () => () => {
      throw eio();
    });
    const file = new DiskEventFile(join(createTempDir(), 'log'), 'events');

    expect(() => file.close(true)).toThrow('EIO');
    expect(open.size).toBe(1);
    file.close(false);

    expect([...open]).toEqual([]);
    file.close(true);
    expect(() => file.write(Buffer.from('x'), 0)).toThrow('is closed');
  });

  it('is closed at once when no sync uses it', () => {
    const open = trackDescriptors();
    const file = new DiskEventFile(createTempDir(), 'events');
    expect(open.size).toBe(1);

    file.close(false);

    expect([...open]).toEqual([]);
  });

  it.each([
    [{}, 'present'],
    [{ size: 1n }, 'restored'],
    [{ mtimeNs: 1n }, 'restored'],
  ])(
    'takes a file with another inode number for its own if size and time agree: %o more is %s',
    (more, expected) => {
      const directory = createTempDir();
      const file = new DiskEventFile(directory, 'events');
      file.write(Buffer.from('bytes'), 0);
      patch(
        'lstatSync',
        (original) =>
          ((path: string, options: { bigint: true }) => {
            const stat = original(path, options) as fs.BigIntStats;
            const { size = 0n, mtimeNs = 0n } = more as { size?: bigint; mtimeNs?: bigint };
            return Object.assign(stat, {
              ino: stat.ino + 1n,
              size: stat.size + size,
              mtimeNs: stat.mtimeNs + mtimeNs,
            });
          }) as typeof fs.lstatSync,
      );

      expect(file.restore(5)).toBe(expected);
      expect(readdirSync(directory)).toHaveLength(expected === 'present' ? 1 : 2);
      file.close(false);
    },
  );
});
