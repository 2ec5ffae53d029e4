// Writes an event file of scalars like that of a training program: 20 metrics per step, one wall time per step.

import { mkdirSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { SummaryWriter } from '../../dist/src/index.js';
import { createValues, TAGS } from './values.mjs';

const FIRST_WALL_TIME = 1_700_000_000;
const STEP_SECONDS = 0.0137;

/** Returns the number of scalars in a file of this size; steps are complete. */
export function countScalars(sizeBytes) {
  return Math.round(sizeBytes / 71 / TAGS.length) * TAGS.length;
}

/** Writes about `sizeBytes` to `path`. Returns the number of scalars. */
export async function writeScalarFile(path, sizeBytes) {
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true });
  const writer = new SummaryWriter(directory, { maxFileBytes: 2 ** 31 });
  const values = createValues();
  const count = countScalars(sizeBytes);
  for (let i = 0; i < count; i++) {
    const step = Math.floor(i / TAGS.length);
    const wallTime = FIRST_WALL_TIME + step * STEP_SECONDS;
    writer.addScalar(TAGS[i % TAGS.length], values[i & 1023], step, { wallTime });
    if (i % 10_000 === 0) await writer.flush();
  }
  const file = writer.currentFile;
  await writer.close();
  renameSync(file, path);
  return count;
}
