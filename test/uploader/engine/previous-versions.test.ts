/** What a store has acknowledged stays in it, whatever happens to the files and to the state directory. */

import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeIo } from '../../../uploader/index.js';
import type { Store } from '../../../uploader/store/base/store.js';
import { openStore } from '../../../uploader/store/open-store.js';
import { createTempDir } from '../../support/temp-dir.js';
import { someRecords } from '../support/event-records.js';
import { MemoryStore } from '../support/memory-store.js';
import { EVENT_FILE, RUN } from '../support/run-tree.js';
import { createHarness, type Harness } from '../support/sync-harness.js';

const LOG = 'plxlogs/main.log';
const OLD_LOG = 'plxlogs/main.log.1';
const MODEL = 'outputs/model.bin';
const GROWING = [LOG, OLD_LOG, EVENT_FILE];

describe('an object that the journal has not acknowledged', () => {
  it('F97: is kept as a previous version and reported when a file replaces it', async () => {
    const harness = createHarness({ 'outputs/notes.txt': 'ours' });
    harness.store.overwrite(`${RUN}/outputs/notes.txt`, Buffer.from('written elsewhere'));

    const report = await harness.sync();

    expect(report.isComplete).toBe(true);
    expect(harness.stored('outputs/notes.txt')).toBe('ours');
    expect(harness.stored('.plx/gen/outputs/notes.txt/0')).toBe('written elsewhere');
    expect(report.notices.map(({ code }) => code)).toEqual(['NOTICE_REPLACED_OTHER']);
  });

  it('F97: is kept when another writer replaces it between two syncs', async () => {
    const harness = createHarness({ 'outputs/notes.txt': 'ours' });
    await harness.sync();
    harness.store.overwrite(`${RUN}/outputs/notes.txt`, Buffer.from('theirs'));
    writeFileSync(join(harness.run, 'outputs/notes.txt'), 'ours again');

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expect(harness.stored('.plx/gen/outputs/notes.txt/0')).toBe('theirs');
  });

  it('F97: is not copied when the file extends it, also without a checksum from the store', async () => {
    const harness = createHarness({ [LOG]: 'first\n' });
    const store = new NoChecksumStore();
    await harness.sync({ store });
    loseState(harness);
    appendFileSync(join(harness.run, LOG), 'second\n');

    expect(await harness.sync({ store })).toMatchObject({ isComplete: true });
    expect(versionsIn(store, LOG)).toEqual(['first\nsecond\n']);
  });

  it('F97: is kept in full when its tail is in segments', async () => {
    const harness = createHarness({ [LOG]: 'second life' });
    const { store } = harness;
    store.overwrite(`${RUN}/${LOG}`, Buffer.from('first '));
    const segment = `${RUN}/.plx/seg/${LOG}/0/${'6'.padStart(20, '0')}-4`;
    store.overwrite(segment, Buffer.from('life'));

    await harness.sync();

    expect(harness.stored(`.plx/gen/${LOG}/0`)).toBe('first life');
  });
});

describe('an artifact that the journal has acknowledged', () => {
  it('F97: is replaced without a copy, as the training that overwrites it intends', async () => {
    const harness = createHarness({ [MODEL]: 'epoch 1' });
    await harness.sync();
    writeFileSync(join(harness.run, MODEL), 'epoch 2');

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expect(versionsIn(harness.store, MODEL)).toEqual(['epoch 2']);
  });
});

describe('a number of a previous version', () => {
  it('F97: is not used again when the journal is lost between two restarts of a log', async () => {
    const harness = createHarness({ [LOG]: 'first' });
    // Like a directory, this store does not know the number either.
    const store = new NoChecksumStore();
    await harness.sync({ store });
    await restart(harness, 'second', store);
    loseState(harness);
    await harness.sync({ store });
    await restart(harness, 'third', store);

    expect(versionsIn(store, LOG)).toEqual(['third', 'first', 'second']);
  });

  it('F97: is not used again when an older copy of the journal returns', async () => {
    const harness = createHarness({ [LOG]: 'first' });
    await harness.sync();
    const copy = copyState(harness);
    await restart(harness, 'second');
    restoreState(harness, copy);
    await restart(harness, 'third');

    expect(versionsIn(harness.store, LOG)).toEqual(['third', 'first', 'second']);
  });

  it('F97: is not spent on content that is kept already', async () => {
    const harness = createHarness({ [LOG]: 'first' });
    await harness.sync();
    harness.store.overwrite(`${RUN}/.plx/gen/${LOG}/0`, Buffer.from('first'));
    await restart(harness, 'second');

    expect(versionsIn(harness.store, LOG)).toEqual(['second', 'first']);
  });
});

describe('a log that is only the beginning of its object', () => {
  it('F98: is a conflict when nothing shows that it was truncated, and the object stays', async () => {
    const harness = createHarness({ [LOG]: 'epoch 1\n', [MODEL]: 'x' });
    harness.store.overwrite(`${RUN}/${LOG}`, Buffer.from('epoch 1\nepoch 2\n'));

    for (let syncs = 0; syncs < 2; syncs += 1) {
      const report = await harness.sync();
      expect(report.isComplete).toBe(false);
      expect(report.unsent).toMatchObject([{ path: `${RUN}/${LOG}`, error: { code: 'ERR_FILE_BEHIND' } }]);
      expect(harness.stored(LOG)).toBe('epoch 1\nepoch 2\n');
      expect(harness.stored(MODEL)).toBe('x');
    }
  });

  it('F98: is uploaded when the journal has acknowledged the object, which is kept', async () => {
    const harness = createHarness({ [LOG]: 'epoch 1\nepoch 2\n' });
    await harness.sync();
    truncateSync(join(harness.run, LOG), 8);

    expect(await harness.sync()).toMatchObject({ isComplete: true });
    expect(versionsIn(harness.store, LOG)).toEqual(['epoch 1\n', 'epoch 1\nepoch 2\n']);
  });
});

describe('the state directory', () => {
  it('F99: may be lost or replaced by an older copy at any time, and no acknowledged content is lost', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('memory', 'file'),
        fc.array(happening, { minLength: 6, maxLength: 16 }),
        survives,
      ),
      { numRuns: 15 },
    );
  });
});

type Happening = readonly [
  kind: 'append' | 'restart' | 'shorten' | 'rename' | 'rewrite' | 'lose' | 'copy' | 'restore',
  file: number,
  syncs: boolean,
];

/** Most histories restart a file several times, because that is where content can be lost. */
const happening: fc.Arbitrary<Happening> = fc.tuple(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Happening[0]>('restart', 'restart', 'append', 'rewrite') },
    { weight: 2, arbitrary: fc.constantFrom<Happening[0]>('shorten', 'rename') },
    { weight: 3, arbitrary: fc.constantFrom<Happening[0]>('lose', 'copy', 'restore') },
  ),
  fc.nat(GROWING.length - 1),
  fc.integer({ min: 0, max: 3 }).map((chance) => chance > 0),
);

/** Plays a history and checks after each sync that everything acknowledged so far still exists. */
async function survives(kind: 'memory' | 'file', history: readonly Happening[]): Promise<void> {
  const harness = createHarness();
  const directory = createTempDir();
  const store: Store =
    kind === 'memory' ? harness.store : await openStore(`file://${directory}`, { ...nodeIo, s3: {} });
  const versionsOf = (path: string): string[] =>
    kind === 'memory' ? versionsIn(harness.store, path) : versionsBelow(directory, path);
  const acknowledged: { readonly path: string; readonly content: string }[] = [];
  let model: string | null = null;
  let copy: string | null = null;
  for (const [index, [what, file, syncs]] of history.entries()) {
    const path = join(harness.run, GROWING[file]!);
    if (what === 'append' || what === 'restart') {
      mkdirSync(join(path, '..'), { recursive: true });
      const bytes = path.includes('tfevents') ? Buffer.concat(someRecords(2, index * 2)) : `line ${index}\n`;
      writeFileSync(path, bytes, { flag: what === 'append' ? 'a' : 'w' });
    } else if (what === 'shorten' && existsSync(path)) truncateSync(path, readFileSync(path).length >> 1);
    else if (what === 'rename' && existsSync(join(harness.run, LOG)))
      renameSync(join(harness.run, LOG), join(harness.run, OLD_LOG));
    else if (what === 'rewrite') {
      mkdirSync(join(harness.run, 'outputs'), { recursive: true });
      writeFileSync(join(harness.run, MODEL), `weights ${index}`);
    } else if (what === 'lose') loseState(harness);
    else if (what === 'copy') copy = copyState(harness);
    else if (what === 'restore' && copy !== null) restoreState(harness, copy);
    if (syncs) {
      await harness.sync({ store });
      for (const each of GROWING) {
        const [stored] = versionsOf(each);
        if (stored !== undefined) acknowledged.push({ path: each, content: stored });
      }
      if (existsSync(join(harness.run, MODEL))) model = readFileSync(join(harness.run, MODEL), 'latin1');
      for (const { path: key, content } of acknowledged)
        expect(versionsOf(key).some((version) => version.startsWith(content))).toBe(true);
      expect(versionsOf(MODEL)[0] ?? null).toBe(model);
    }
  }
  await store.close();
}

/** A store like a directory: it has neither checksums nor metadata. */
class NoChecksumStore extends MemoryStore {
  override async head(key: string) {
    const found = await super.head(key);
    if (found.status !== 'found') return found;
    return { ...found, object: { ...found.object, crc32: null, commitId: null, generation: null } };
  }
}

async function restart(harness: Harness, content: string, store: Store = harness.store): Promise<void> {
  writeFileSync(join(harness.run, LOG), content);
  await harness.sync({ store });
}

function loseState({ stateDirectory }: Harness): void {
  rmSync(stateDirectory, { recursive: true, force: true });
  mkdirSync(stateDirectory);
}

function copyState({ stateDirectory }: Harness): string {
  const copy = createTempDir();
  cpSync(stateDirectory, copy, { recursive: true });
  return copy;
}

function restoreState(harness: Harness, copy: string): void {
  loseState(harness);
  cpSync(copy, harness.stateDirectory, { recursive: true });
}

/** The content of a file in a store, followed by its previous versions. */
function versionsIn({ objects }: MemoryStore, path: string): string[] {
  const keys = [...objects.keys()].filter((key) => key.startsWith(`${RUN}/.plx/gen/${path}/`)).sort();
  return [`${RUN}/${path}`, ...keys].flatMap((key) => objects.get(key)?.bytes.toString('latin1') ?? []);
}

function versionsBelow(directory: string, path: string): string[] {
  const kept = join(directory, RUN, '.plx/gen', path);
  const names = existsSync(kept) ? readdirSync(kept).sort() : [];
  const paths = [join(directory, RUN, path), ...names.map((name) => join(kept, name))];
  return paths.filter((each) => existsSync(each)).map((each) => readFileSync(each, 'latin1'));
}
