import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.js';
import type { FileStat } from '../../../../uploader/base/io/file-system.js';
import { EtagColumn } from '../../../../uploader/pipeline/inventory/etag-column.js';
import { FileTable, FLAG } from '../../../../uploader/pipeline/inventory/file-table.js';
import { Inventory } from '../../../../uploader/pipeline/inventory/inventory.js';

const RUN = '0'.repeat(32);

function stat(sizeBytes: number, changes: Partial<FileStat> = {}): FileStat {
  const times = { mtimeNs: 1n, ctimeNs: 1n, ino: 1n, device: 1n, linkCount: 1, allocatedBytes: sizeBytes };
  return { kind: 'file', sizeBytes, ...times, ...changes };
}

describe('FileTable', () => {
  it('finds each name in its folder like a map, for arbitrary names', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3), fc.string({ unit: 'grapheme', maxLength: 12 })), { maxLength: 400 }),
        (names) => {
          const table = new FileTable();
          const known = new Map<string, number>();
          for (const [folder, name] of names) {
            const id = table.intern(folder, name);
            expect(known.get(`${folder} ${name}`) ?? id).toBe(id);
            known.set(`${folder} ${name}`, id);
          }

          expect(table.count).toBe(known.size);
          for (const [folder, name] of names) {
            const id = table.find(folder, name)!;
            expect(table.nameOf(id)).toBe(name);
            expect([...table.inFolder(folder)]).toContain(id);
          }
          expect(table.find(9, 'nowhere')).toBeUndefined();
        },
      ),
      { numRuns: 50 },
    );
  });

  it('F92: reuses the rows of released folders, and finds all other names as before', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(fc.record({ folder: fc.nat(5), names: fc.array(name), isReleased: fc.boolean() }), {
          maxLength: 60,
        }),
        (steps) => {
          const table = new FileTable();
          const known = new Map<number, Set<string>>();
          let most = 0;
          for (const { folder, names, isReleased } of steps) {
            const here = known.get(folder) ?? new Set();
            known.set(folder, here);
            if (isReleased) {
              table.release([...table.inFolder(folder)]);
              here.clear();
            }
            for (const each of names) {
              const id = table.intern(folder, each);
              if (!here.has(each)) expect(table.flags[id]).toBe(0);
              table.set(id, FLAG.onDisk);
              here.add(each);
            }
            const size = [...known.values()].reduce((sum, each) => sum + each.size, 0);
            most = Math.max(most, size);
            expect(table.size).toBe(size);
            expect(table.count).toBe(most);
            for (const [other, expected] of known)
              expect(new Set([...table.inFolder(other)].map((id) => table.nameOf(id)))).toEqual(expected);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('F24: keeps all facts about each of 100,000 files in less than 200 bytes', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const sizeOf = async (): Promise<number> => {
      // Buffers are freed asynchronously, some time after they were garbage-collected.
      for (let round = 0; round < 3; round += 1) {
        collect();
        await sleep(20);
      }
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const before = await sizeOf();
    const inventory = new Inventory({ clock: systemClock });
    const run = inventory.onRun({
      runUuid: RUN,
      directory: Buffer.from('/run'),
      kind: 'polyaxon',
      filesAt: '',
    });
    for (let directory = 0; directory < 1000; directory += 1) {
      const folder = inventory.onFolder(run, `outputs/part-${directory}`);
      for (let file = 0; file < 100; file += 1) {
        const { id } = inventory.onFile(folder, `sample-${file}.json`, stat(file));
        const object = {
          etag: `${(directory * 100 + file).toString(16).padStart(32, '0')}`,
          sizeBytes: file,
        };
        const version = { sizeBytes: file, mtimeNs: 1n, ctimeNs: 1n, ino: 1n };
        inventory.setEntry(id, { key: '', file: version, crc32: 1, object, isRecent: false });
      }
    }

    const bytesPerFile = ((await sizeOf()) - before) / 100_000;

    expect(inventory.table.count).toBe(100_000);
    expect(bytesPerFile).toBeLessThan(200);
  });
});

describe('EtagColumn', () => {
  it('returns each ETag unchanged, whatever its form', () => {
    const hex = '0123456789abcdef0123456789abcdef';
    const names = [
      '',
      'e',
      hex,
      `${hex}-1`,
      `${hex}-0`,
      `${hex}-01`,
      `${hex}-65534`,
      `${hex}-65535`,
      hex.toUpperCase(),
      `${hex}-x`,
    ];
    const column = new EtagColumn();
    for (const [id, name] of names.entries()) column.set(id * 300, name);

    for (const [id, name] of names.entries()) expect(column.get(id * 300)).toBe(name);
    expect(column.get(1)).toBe('');
    column.set(600, 'text');
    column.set(300, hex);
    expect([column.get(600), column.get(300)]).toEqual(['text', hex]);
  });
});

describe('Inventory', () => {
  function createInventory() {
    const dirty: number[] = [];
    const inventory = new Inventory({ clock: systemClock, onDirty: (id) => dirty.push(id) });
    const run = inventory.onRun({
      runUuid: RUN,
      directory: Buffer.from('/run'),
      kind: 'polyaxon',
      filesAt: '',
    });
    return { inventory, dirty, run: inventory.runs[run]!, folder: inventory.onFolder(run, 'outputs') };
  }

  it('keeps a million changes of a file as one dirty row', () => {
    const { inventory, folder } = createInventory();
    for (let size = 0; size < 1000; size += 1) inventory.onFile(folder, 'file', stat(size));

    expect(inventory.table.count).toBe(1);
    expect(inventory.isPending(0)).toBe(true);
    expect(inventory.pendingBytes(0)).toBe(999);
  });

  it('reports a file as changed only when its version differs', () => {
    const { inventory, folder, dirty } = createInventory();

    expect(inventory.onFile(folder, 'file', stat(1)).isChanged).toBe(true);
    expect(inventory.onFile(folder, 'file', stat(1)).isChanged).toBe(false);
    expect(inventory.onFile(folder, 'file', stat(1, { ctimeNs: 2n })).isChanged).toBe(true);
    expect(dirty).toEqual([0, 0]);
  });

  it('F16: ignores the device number', () => {
    const { inventory, folder } = createInventory();
    inventory.onFile(folder, 'file', stat(1));

    expect(inventory.onFile(folder, 'file', stat(1, { device: 2n })).isChanged).toBe(false);
  });

  it('learns from a listing which objects are missing, and which are not in the journal', () => {
    const { inventory, folder, run } = createInventory();
    const version = { sizeBytes: 1, mtimeNs: 1n, ctimeNs: 1n, ino: 1n };
    for (const name of ['lost', 'kept'])
      inventory.onEntry({
        key: `${RUN}/outputs/${name}`,
        file: version,
        crc32: 1,
        object: { etag: name, sizeBytes: 1 },
        isRecent: false,
      });
    for (const name of ['lost', 'kept', 'unknown']) inventory.onFile(folder, name, stat(1));
    inventory.beginListing(run);
    inventory.onListed(`${RUN}/outputs/kept`, { etag: 'kept', sizeBytes: 1 });
    inventory.onListed(`${RUN}/outputs/unknown`, { etag: 'x', sizeBytes: 1 });
    inventory.onListed(`${RUN}/.plx/gen/outputs/kept/0`, { etag: 'y', sizeBytes: 1 });
    inventory.endListing(run);

    const dirty = [...inventory.filesOf(run)].filter((id) => inventory.table.has(id, FLAG.dirty));
    expect(dirty.map((id) => inventory.relPathOf(id)).sort()).toEqual(['outputs/lost', 'outputs/unknown']);
    expect(inventory.table.count).toBe(3);
  });

  it('returns the local paths of files of a log directory, and of its generated files', () => {
    const inventory = new Inventory({ clock: systemClock });
    const directory = Buffer.from('/logs');
    const filesAt = 'outputs/tensorboard';
    const index = inventory.onRun({ runUuid: RUN, directory, kind: 'log-directory', filesAt });
    const run = inventory.runs[index]!;
    run.exportDirectory = Buffer.from('/state');
    const { id } = inventory.onFile(inventory.onFolder(index, `${filesAt}/train`), 'events', stat(1));
    const exportFiles = inventory.onGeneratedFile(run, 'events/metric/loss.plx', stat(2))!;

    expect(inventory.placeOf(id)).toEqual({ directory, path: 'train/events' });
    expect(inventory.placeOf(exportFiles)).toEqual({
      directory: Buffer.from('/state'),
      path: 'events/metric/loss.plx',
    });
  });

  it('keeps generated files that a scan does not find, unless the writer has a file of that name', () => {
    const { inventory, run } = createInventory();
    run.exportDirectory = Buffer.from('/state');
    const id = inventory.onGeneratedFile(run, 'events/metric/loss.plx', stat(2))!;
    const folder = inventory.onFolder(run.index, 'events/metric');

    expect(inventory.countMissing(folder, new Set())).toBe(0);
    inventory.onGone(folder, new Set(), new Set());
    inventory.onFolderLeftOut(folder);
    expect(inventory.isPending(id)).toBe(true);
    expect(inventory.missing.size).toBe(0);

    inventory.onFile(folder, 'loss.plx', stat(3));
    expect(inventory.placeOf(id)?.directory.toString()).toBe('/run');
    expect(inventory.onGeneratedFile(run, 'events/metric/loss.plx', stat(2))).toBeNull();
    expect(inventory.placeOf(id)?.directory.toString()).toBe('/run');
  });

  it('needs no work for a generated file that was stored and then removed', () => {
    const { inventory, run } = createInventory();
    const id = inventory.onGeneratedFile(run, 'assets/image/a_1.png', stat(2))!;
    inventory.onGeneratedGone(id);

    expect(inventory.isPending(id)).toBe(false);
    expect(inventory.missing.size).toBe(0);
  });
});
