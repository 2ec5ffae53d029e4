/** Manifests of ended runs: their content, and when they are written. */

import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Manifest, parseManifest } from '../../../../uploader/pipeline/manifest/manifest.js';
import { RUN } from '../../support/run-tree.js';
import { createHarness, type Harness } from '../../support/sync-harness.js';

const ENDED = { 'run.plx.json': JSON.stringify({ uuid: RUN, status: 'succeeded' }) };

function manifestKeys({ store }: Harness): string[] {
  return [...store.objects.keys()].filter((key) => key.startsWith(`${RUN}/.plx/manifest/`));
}

function readManifest(harness: Harness): Manifest {
  const [key = ''] = manifestKeys(harness);
  const manifest = parseManifest(harness.store.objects.get(key)?.bytes ?? Buffer.alloc(0));
  if (manifest === null) throw new Error('no manifest found');
  return manifest;
}

describe('a manifest', () => {
  it('lists the size, checksums and ETag of each file of an ended run', async () => {
    const harness = createHarness({ ...ENDED, 'outputs/a b': 'content', 'outputs/empty': '' });

    await harness.sync();

    const { runUuid, store, lines } = readManifest(harness);
    expect({ runUuid, store }).toEqual({ runUuid: RUN, store: 'memory://store' });
    expect(lines.map(({ path }) => path)).toEqual([
      'lineages.plx.json',
      'outputs/a b',
      'outputs/empty',
      'run.plx.json',
    ]);
    for (const line of lines) {
      const bytes = readFileSync(join(harness.run, line.path));
      expect(line).toMatchObject({
        sizeBytes: bytes.length,
        crc32: crc32(bytes),
        sha256: createHash('sha256').update(bytes).digest('hex'),
        etag: harness.store.objects.get(`${RUN}/${line.path}`)?.etag,
        proof: 'commit',
      });
    }
  });

  it('is written once for the same objects and needs no further requests', async () => {
    const harness = createHarness(ENDED);
    await harness.sync();
    const [before] = manifestKeys(harness);
    const calls = harness.store.calls.length;

    await harness.sync();

    expect(manifestKeys(harness)).toEqual([before]);
    expect(harness.store.calls.slice(calls)).toEqual([
      'check ',
      `list ${RUN}/`,
      `collect ${RUN}/`,
      'collect .plx/probe/',
    ]);
  });

  it('is replaced when a file has changed', async () => {
    const harness = createHarness({ ...ENDED, 'outputs/log': 'one' });
    await harness.sync();
    const [before] = manifestKeys(harness);

    appendFileSync(join(harness.run, 'outputs/log'), ', two');
    await harness.sync();

    expect(manifestKeys(harness)).toHaveLength(1);
    expect(manifestKeys(harness)).not.toContain(before);
    expect(readManifest(harness).lines.find(({ path }) => path === 'outputs/log')?.sizeBytes).toBe(8);
  });

  it('keeps the lines of files that are no longer on disk', async () => {
    const harness = createHarness({ ...ENDED, 'outputs/a': 'a', 'outputs/b': 'b' });
    await harness.sync();
    const before = readManifest(harness).lines.find(({ path }) => path === 'outputs/a');

    rmSync(join(harness.run, 'outputs/a'));
    appendFileSync(join(harness.run, 'outputs/b'), 'b');
    await harness.sync();

    expect(readManifest(harness).lines.find(({ path }) => path === 'outputs/a')).toEqual(before);
  });

  it('is not written for a live run, or when manifests are disabled', async () => {
    const live = createHarness();
    const unwanted = createHarness(ENDED);

    await live.sync();
    await unwanted.sync({ config: { manifests: false } });

    expect([manifestKeys(live), manifestKeys(unwanted)]).toEqual([[], []]);
  });

  it('is not written when another writer has replaced an object', async () => {
    const harness = createHarness({ ...ENDED, 'outputs/a': 'a' });
    await harness.sync({ config: { manifests: false } });
    // Replace the object after the sync has listed the run, and before the manifest is written.
    let lists = 0;
    harness.store.fault = (operation) => {
      if (operation === 'list') lists += 1;
      if (lists === 2) harness.store.overwrite(`${RUN}/outputs/a`, Buffer.from('b'));
      return 'pass';
    };

    await harness.sync();

    expect(manifestKeys(harness)).toEqual([]);
  });

  it('removes segments that are part of their object, and keeps those of previous versions', async () => {
    const harness = createHarness({ ...ENDED, 'outputs/log': 'one two' });
    const segment = (generation: number) =>
      `${RUN}/.plx/seg/outputs/log/${generation}/${'3'.padStart(20, '0')}-4`;
    for (const generation of [0, 1]) harness.store.overwrite(segment(generation), Buffer.from(' two'));
    harness.store.overwrite(`${RUN}/outputs/log`, Buffer.from('one two'));

    await harness.sync();

    // Nothing says how often the file of this object was restarted, so it belongs to the newest segments.
    expect([0, 1].map((generation) => harness.store.objects.has(segment(generation)))).toEqual([true, false]);
  });

  it('is rejected by the parser when it is truncated', () => {
    const line = {
      path: 'a',
      size: 1,
      crc32: '00000000',
      sha256: '0'.repeat(64),
      etag: 'e',
      verified: '',
      proof: 'read',
    };
    const text = [
      { kind: 'manifest', version: 1, run: RUN, store: '', written: '' },
      line,
      { kind: 'end', files: 1 },
    ]
      .map((value) => `${JSON.stringify(value)}\n`)
      .join('');

    expect(parseManifest(Buffer.from(text))?.lines).toHaveLength(1);
    expect(parseManifest(Buffer.from(text.slice(0, text.indexOf('{"kind":"end"'))))).toBeNull();
  });
});
