import { appendFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SummaryWriter } from '../../../src/index.js';
import { readLastValues } from '../../../uploader/run-directory/last-values.js';
import { createTempDir } from '../../support/temp-dir.js';

async function write(directory: string, values: readonly (readonly [string, number])[]): Promise<void> {
  const writer = new SummaryWriter(directory);
  for (const [step, [tag, value]] of values.entries()) writer.addScalar(tag, value, step);
  await writer.close();
}

describe('readLastValues', () => {
  it('returns the last value of each metric by its name in Polyaxon, with the directory before it', async () => {
    const directory = createTempDir();
    await write(directory, [
      ['loss', 3],
      ['val/acc', 0.5],
      ['loss', 2],
      ['loss', 1],
    ]);
    await write(join(directory, 'eval'), [['loss', 7]]);

    expect(await readLastValues(directory)).toEqual({ loss: 1, val__acc: 0.5, eval__loss: 7 });
  });

  it('reads the files of a directory in their order, and each up to its end, over damage', async () => {
    const directory = createTempDir();
    await write(directory, [['loss', 3]]);
    const [first] = readdirSync(directory);
    await write(directory, [
      ['loss', 2],
      ['acc', 1],
    ]);
    appendFileSync(join(directory, first!), Buffer.alloc(100, 7));

    expect(await readLastValues(directory)).toEqual({ loss: 2, acc: 1 });
  });

  it('ignores what is no metric', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    writer.addText('note', 'a text', 1);
    writer.addHistogram('weights', [1, 2, 3], 1);
    await writer.close();
    mkdirSync(join(directory, 'empty'));
    writeFileSync(join(directory, 'notes.txt'), 'no events');

    expect(await readLastValues(directory)).toEqual({});
  });
});
