import { mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { toRunPaths } from '../../src/run-directory/layout.js';
import { linkRun } from '../../src/run-directory/run-link.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = '0123abcd'.repeat(4);
let root = '';
beforeEach(() => {
  root = createTempDir();
});

const readLinks = () => readdirSync(join(root, 'tensorboard')).sort();

describe('linkRun', () => {
  it('creates a relative link, and renames it with the run', () => {
    const paths = toRunPaths(root, UUID);

    linkRun(paths, 'first', UUID, true);
    linkRun(paths, 'first', UUID, false);
    linkRun(paths, 'second/name', UUID, false);

    expect(readLinks()).toEqual(['second-name-0123abcd']);
    expect(readlinkSync(join(root, 'tensorboard/second-name-0123abcd'))).toBe(
      `../runs/${UUID}/outputs/tensorboard`,
    );
  });

  it('removes links that a process left which ended while it renamed, and those of other names', () => {
    const paths = toRunPaths(root, UUID);
    mkdirSync(join(root, 'tensorboard'));
    for (const name of ['a-0123abcd', 'b-0123abcd', 'c-0123abcd']) {
      symlinkSync(`../runs/${UUID}/outputs/tensorboard`, join(root, 'tensorboard', name));
    }

    linkRun(paths, 'b', UUID, false);

    expect(readLinks()).toEqual(['b-0123abcd']);
  });

  it('keeps what is not a link to the run', () => {
    const other = '0123abcd'.padEnd(32, '0');
    const paths = toRunPaths(root, UUID);
    linkRun(toRunPaths(root, other), 'other', other, true);
    writeFileSync(join(root, 'tensorboard/file-0123abcd'), '');
    mkdirSync(join(root, 'tensorboard/directory-0123abcd'));

    linkRun(paths, 'new', UUID, false);

    expect(readLinks()).toEqual([
      ...['directory-0123abcd', 'file-0123abcd', 'new-0123abcd', 'other-0123abcd'],
    ]);
  });
});

describe('the link of a run', () => {
  const start = (options = {}) => startRun({ root, ...options }).run;

  it('follows setName and update, in a live run', async () => {
    const run = start({ name: 'first' });
    const other = start({ name: 'other' });
    run.setName('second');
    const afterSetName = readLinks();
    run.update({ name: 'third' });
    await run.end();
    await other.end();

    const suffix = run.uuid.slice(0, 8);
    const ofOther = `other-${other.uuid.slice(0, 8)}`;
    expect(afterSetName).toEqual([ofOther, `second-${suffix}`].sort());
    expect(readLinks()).toEqual([ofOther, `third-${suffix}`].sort());
  });

  it('has the last name when the run is resumed, also if the link was not renamed', async () => {
    const first = start({ name: 'first' });
    first.setName('second');
    await first.end();
    const suffix = first.uuid.slice(0, 8);
    rmSync(join(root, 'tensorboard', `second-${suffix}`));
    symlinkSync(`../runs/${first.uuid}/outputs/tensorboard`, join(root, 'tensorboard', `first-${suffix}`));

    const run = start({ uuid: first.uuid, resume: true });
    const afterResume = readLinks();
    run.setName('third');
    await run.end();

    expect(afterResume).toEqual([`second-${suffix}`]);
    expect(readLinks()).toEqual([`third-${suffix}`]);
  });

  it('is one link when two processes of a run rename it', async () => {
    const first = start({ name: 'first' });
    const second = start({ uuid: first.uuid, resume: true });
    second.setName('second');
    first.setName('third');
    second.setName('fourth');
    await first.end();
    await second.end();

    expect(readLinks()).toEqual([`fourth-${first.uuid.slice(0, 8)}`]);
  });

  it('stays as it is when a worker sets a name', async () => {
    const run = start({ name: 'first' });
    const worker = start({ uuid: run.uuid, worker: 'rank1' });
    worker.setName('second');
    await worker.end();
    await run.end();

    expect(readLinks()).toEqual([`first-${run.uuid.slice(0, 8)}`]);
  });

  it('is reported when it cannot be renamed, and the run continues', async () => {
    const { run, warnings } = startRun({ root, name: 'first' });
    mkdirSync(join(root, 'tensorboard', `second-${run.uuid.slice(0, 8)}`));
    run.setName('second');
    await run.end();

    expect(warnings.map(({ code }) => code)).toEqual(['WARN_LINK_FAILED']);
    expect(run.name).toBe('second');
  });
});
