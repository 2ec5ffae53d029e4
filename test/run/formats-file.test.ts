import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunOptions } from '../../src/index.js';
import { toFormatsPath } from '../../src/run-directory/layout.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = '0123456789abcdef0123456789abcdef';

describe('the formats file of a run', () => {
  const start = (root: string, options: RunOptions = {}) => startRun({ root, uuid: UUID, ...options }).run;
  const read = (root: string, writer = 'main') =>
    JSON.parse(readFileSync(toFormatsPath(join(root, 'runs', UUID), writer), 'utf8'));

  it('exists before the first event', async () => {
    const root = createTempDir();
    const run = start(root);
    expect(read(root)).toEqual({ formats: ['tensorboard'] });
    await run.end();
  });

  it('keeps all formats when the run is resumed with fewer', async () => {
    const root = createTempDir();
    await start(root, { formats: ['tensorboard', 'polyaxon'] }).end();
    await start(root, { formats: ['tensorboard'], resume: true }).end();

    expect(read(root)).toEqual({ formats: ['polyaxon', 'tensorboard'] });
  });

  it('is not created by a run that writes nothing', async () => {
    const root = createTempDir();
    await start(root, { noOp: true }).end();
    expect(existsSync(join(root, 'runs'))).toBe(false);
  });
});
