import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { findExportOwner } from '../../../uploader/run-directory/export-owner.js';
import { createTempDir } from '../../support/temp-dir.js';

function findOwner(files: Readonly<Record<string, string>>, filesAt = ''): Promise<string> {
  const directory = createTempDir();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(directory, name, '..'), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return findExportOwner(nodeFileSystem, { directory: Buffer.from(directory), filesAt });
}

const formats = (...names: string[]): string => JSON.stringify({ formats: names });

describe('findExportOwner', () => {
  it.each<[string, Record<string, string>, string]>([
    ['a writer that says so', { '.plx/formats-main.json': formats('tensorboard', 'polyaxon') }, 'writer'],
    ['a writer of event files only', { '.plx/formats-main.json': formats('tensorboard') }, 'uploader'],
    [
      'one writer of several that says so',
      { '.plx/formats-main.json': formats('tensorboard'), '.plx/formats-worker.json': formats('polyaxon') },
      'writer',
    ],
    ['a run file, as from Python', { 'run.plx.json': '{}' }, 'writer'],
    ['event files of Polyaxon', { 'events/metric/loss.plx': '' }, 'writer'],
    ['resources', { 'resources/metric/cpu.plx': '' }, 'writer'],
    ['other event files', { 'outputs/tensorboard/events.out.tfevents.1': '' }, 'uploader'],
    [
      'a run file of a writer of event files',
      { 'run.plx.json': '{}', '.plx/formats-main.json': formats('tensorboard') },
      'uploader',
    ],
    ['a file that is no JSON', { '.plx/formats-main.json': '{' }, 'undecided'],
    ['a file without formats', { '.plx/formats-main.json': '{}' }, 'undecided'],
    ['other files of a process', { '.plx/heartbeat-main.json': '{', 'run.plx.json': '{}' }, 'writer'],
  ])('finds by %s', async (_, files, owner) => {
    expect(await findOwner(files)).toBe(owner);
  });

  it('is the uploader for a log directory, whatever it has', async () => {
    expect(await findOwner({ 'run.plx.json': '{}' }, 'outputs/tensorboard')).toBe('uploader');
  });
});
