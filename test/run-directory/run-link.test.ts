import { mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
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

const links = () => `${root}-tensorboard`;
const readLinks = () => readdirSync(links()).sort();
const targetOf = (uuid: string) => `../${basename(root)}/runs/${uuid}/outputs/tensorboard`;

describe('linkRun', () => {
  it('creates a relative link, and renames it with the run', () => {
    const paths = toRunPaths(root, UUID);

    linkRun(paths, 'first', UUID, true);
    linkRun(paths, 'first', UUID, false);
    linkRun(paths, 'second/name', UUID, false);

    expect(readLinks()).toEqual(['second-name-0123abcd']);
    expect(readlinkSync(join(links(), 'second-name-0123abcd'))).toBe(targetOf(UUID));
    expect(readdirSync(root)).toEqual([]);
  });

  it('removes links that a process left which ended while it renamed, and those of other names', () => {
    const paths = toRunPaths(root, UUID);
    mkdirSync(links());
    for (const name of ['a-0123abcd', 'b-0123abcd', 'c-0123abcd']) {
      symlinkSync(targetOf(UUID), join(links(), name));
    }

    linkRun(paths, 'b', UUID, false);

    expect(readLinks()).toEqual(['b-0123abcd']);
  });

  it('keeps what is not a link to the run', () => {
    const other = '0123abcd'.padEnd(32, '0');
    const paths = toRunPaths(root, UUID);
    linkRun(toRunPaths(root, other), 'other', other, true);
    writeFileSync(join(links(), 'file-0123abcd'), '');
    mkdirSync(join(links(), 'directory-0123abcd'));

    linkRun(paths, 'new', UUID, false);

    expect(readLinks()).toEqual([
      ...['directory-0123abcd', 'file-0123abcd', 'new-0123abcd', 'other-0123abcd'],
    ]);
  });

  describe('in a root with links of an earlier version', () => {
    const other = 'f'.repeat(32);
    const earlier = (name: string) => join(root, 'tensorboard', name);
    beforeEach(() => {
      mkdirSync(join(root, 'tensorboard'));
      symlinkSync(`../runs/${UUID}/outputs/tensorboard`, earlier('old-0123abcd'));
    });

    it('removes the link to the run, and the directory once it is empty', () => {
      symlinkSync(`../runs/${other}/outputs/tensorboard`, earlier('other-ffffffff'));

      linkRun(toRunPaths(root, UUID), 'new', UUID, false);
      const afterFirst = readdirSync(join(root, 'tensorboard'));
      linkRun(toRunPaths(root, other), 'other', other, false);

      expect(afterFirst).toEqual(['other-ffffffff']);
      expect(readdirSync(root)).toEqual([]);
      expect(readLinks()).toEqual(['new-0123abcd', 'other-ffffffff']);
    });

    it('keeps everything else there', () => {
      writeFileSync(earlier('events.out.tfevents.1.host'), '');
      mkdirSync(earlier('logs-0123abcd'));
      symlinkSync('../elsewhere', earlier('mine-0123abcd'));

      linkRun(toRunPaths(root, UUID), 'new', UUID, false);

      expect(readdirSync(join(root, 'tensorboard')).sort()).toEqual([
        ...['events.out.tfevents.1.host', 'logs-0123abcd', 'mine-0123abcd'],
      ]);
    });

    it('removes the link also if there can be none beside the root', () => {
      writeFileSync(links(), 'in the way');

      expect(() => linkRun(toRunPaths(root, UUID), 'new', UUID, false)).toThrow('EEXIST');

      expect(readdirSync(root)).toEqual([]);
    });
  });

  it('keeps an empty directory of the user', () => {
    mkdirSync(join(root, 'tensorboard'));

    linkRun(toRunPaths(root, UUID), 'new', UUID, false);

    expect(readdirSync(root)).toEqual(['tensorboard']);
  });

  it('creates no link in the root of a file system', () => {
    expect(() => linkRun(toRunPaths('/', UUID), 'new', UUID, true)).toThrow('no directory beside');
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
    rmSync(join(links(), `second-${suffix}`));
    symlinkSync(targetOf(first.uuid), join(links(), `first-${suffix}`));

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

  it('is reported once when it cannot be renamed, and the run continues', async () => {
    const { run, warnings } = startRun({ root, name: 'first' });
    mkdirSync(join(links(), `second-${run.uuid.slice(0, 8)}`));
    run.setName('second');
    mkdirSync(join(links(), `third-${run.uuid.slice(0, 8)}`));
    run.setName('third');
    await run.end();

    expect(warnings).toEqual([
      {
        code: 'WARN_LINK_FAILED',
        message: expect.stringContaining(`tensorboard --logdir ${root} shows the run by its uuid`),
      },
    ]);
    expect(run.diagnostics).toEqual({ WARN_LINK_FAILED: 1 });
    expect(run.name).toBe('third');
  });
});
