import { expect, it } from 'vitest';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import {
  createKnown,
  type KnownPlace,
  readKnown,
  writeKnown,
} from '../../../uploader/polyaxon-sync/known.js';
import { createTempDir } from '../../support/temp-dir.js';

it('knows of no server what another server or another project has', async () => {
  const ref = { owner: 'team', project: 'vision', uuid: 'a'.repeat(32) };
  const place: KnownPlace = { directory: createTempDir(), host: 'https://one.example.org', ref };

  await writeKnown(nodeFileSystem, place, createKnown({ items: new Map([['name', '1']]), final: '2' }));

  expect(await readKnown(nodeFileSystem, place)).toMatchObject({ final: '2' });
  for (const other of [
    { ...place, host: 'https://two.example.org' },
    { ...place, ref: { ...ref, owner: 'others' } },
    { ...place, ref: { ...ref, project: 'speech' } },
  ])
    expect(await readKnown(nodeFileSystem, other)).toBeNull();
});
