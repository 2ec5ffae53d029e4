import { statSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { readSettled, SettledFile } from '../../../../uploader/engine/monitor/settled-file.js';
import type { RunUploadStatus } from '../../../../uploader/engine/monitor/status-file.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { wrapFileSystem } from '../../support/wrapped-file-system.js';

function toStatus(index: number, storedBytes = 1): RunUploadStatus {
  const counts = { storedFiles: 3, pendingFiles: 0, pendingBytes: 0, lagMs: 0, eventsLagMs: 0, lostBytes: 0 };
  const run = { uuid: index.toString(16).padStart(32, '0'), directory: `/root/runs/${index}`, project: null };
  return { ...run, phase: 'complete', storedBytes, ...counts, lastError: null, api: null };
}

describe('SettledFile', () => {
  it('F93: writes only what has changed, and stays in proportion to the runs that exist', async () => {
    const path = join(createTempDir(), 'settled.jsonl');
    let writes = 0;
    const fileSystem = wrapFileSystem({
      openForWriting: (...args) => {
        writes += 1;
        return nodeFileSystem.openForWriting(...args);
      },
    });
    const file = new SettledFile(fileSystem, path);
    const runs = Array.from({ length: 1000 }, (_, index) => toStatus(index));
    await file.update(runs);
    const fullBytes = statSync(path).size;

    for (let pass = 0; pass < 10; pass += 1) await file.update(runs);
    expect(writes).toBe(1);
    await file.update([...runs, toStatus(1000)]);
    expect(statSync(path).size - fullBytes).toBeLessThan(500);

    let next = 1000;
    let mostBytes = 0;
    for (let pass = 0; pass < 300; pass += 1) {
      runs.splice(0, 20);
      while (runs.length < 1000) runs.push(toStatus(next++));
      await file.update(runs);
      mostBytes = Math.max(mostBytes, statSync(path).size);
    }
    expect(mostBytes).toBeLessThan(3 * fullBytes);
    expect(await readSettled<RunUploadStatus>(nodeFileSystem, path)).toHaveLength(1000);
  });

  it('is read as it was written, after any changes', async () => {
    const pass = fc.uniqueArray(fc.record({ index: fc.nat(20), storedBytes: fc.nat(3) }), {
      selector: ({ index }) => index,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(pass, { maxLength: 10 }), async (passes) => {
        const path = join(createTempDir(), 'settled.jsonl');
        const file = new SettledFile(nodeFileSystem, path);
        for (const runs of passes) {
          const all = runs.map(({ index, storedBytes }) => toStatus(index, storedBytes));
          await file.update(all);
          const read = await readSettled<RunUploadStatus>(nodeFileSystem, path);
          expect(new Map(read.map((run) => [run.uuid, run]))).toEqual(
            new Map(all.map((run) => [run.uuid, run])),
          );
        }
      }),
      { numRuns: 30 },
    );
  });
});
