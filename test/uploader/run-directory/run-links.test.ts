import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { toRunPaths } from '../../../src/run-directory/layout.js';
import { linkRun } from '../../../src/run-directory/run-link.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { locate } from '../../../uploader/run-directory/locate-runs.js';
import { findLinked, removeLinks } from '../../../uploader/run-directory/run-links.js';
import { createTempDir } from '../../support/temp-dir.js';
import { makeRun, OTHER_RUN, RUN } from '../support/run-tree.js';

let root = '';
let links = '';
const end = `-${RUN.slice(0, 8)}`;
beforeEach(() => {
  root = join(createTempDir(), 'plx-runs');
  const paths = toRunPaths(root, RUN);
  links = paths.links;
  makeRun(root, { 'outputs/tensorboard/events.out.tfevents.1.host': 'x' });
  linkRun(paths, 'first', RUN, true);
});

describe('findLinked', () => {
  const find = async (path: string) => (await findLinked(nodeFileSystem, path))?.path ?? null;

  it('returns the root for the directory of its links, whether it exists or not', async () => {
    expect(await find(links)).toBe(root);
    expect(await find(`${links}/`)).toBe(root);
    rmSync(links, { recursive: true });
    expect(await find(links)).toBe(root);
    mkdirSync(links);
    expect(await find(links)).toBe(root);
  });

  it('returns the root for the directory of links of an earlier version, whether it exists or not', async () => {
    expect(await find(join(root, 'tensorboard'))).toBe(root);
    mkdirSync(join(root, 'tensorboard'));
    symlinkSync(`../runs/${RUN}/outputs/tensorboard`, join(root, 'tensorboard', `first${end}`));
    expect(await find(join(root, 'tensorboard/'))).toBe(root);
  });

  it('returns the run directory for one link', async () => {
    expect(await find(join(links, `first${end}`))).toBe(join(root, 'runs', RUN));
  });

  it('returns null for a root, a run, and a directory of another program', async () => {
    expect(await find(root)).toBeNull();
    expect(await find(join(root, 'runs', RUN))).toBeNull();
    expect(await find(join(root, 'runs', RUN, 'outputs/tensorboard'))).toBeNull();
    mkdirSync(join(root, 'tensorboard'));
    writeFileSync(join(root, 'tensorboard/events.out.tfevents.1.host'), '');
    expect(await find(join(root, 'tensorboard'))).toBeNull();
    // PyTorch's default log directory is `runs/<date>`.
    const other = createTempDir();
    mkdirSync(join(other, 'runs/Nov29_12-00-00_host'), { recursive: true });
    expect(await find(join(other, 'tensorboard'))).toBeNull();
  });
});

describe('locate', () => {
  it.each([{ mayBeMissing: true }, { mayBeMissing: false }])(
    'names the root if the path is that of its links (%o)',
    async (options) => {
      const refused = { code: 'ERR_NOT_A_RUN', hint: `Pass ${root} instead.` };

      await expect(locate(nodeFileSystem, links, options)).rejects.toMatchObject(refused);
      await expect(locate(nodeFileSystem, join(root, 'tensorboard'), options)).rejects.toMatchObject(refused);
    },
  );
});

it('says nothing about a file that has the name of a directory of links', async () => {
  rmSync(links, { recursive: true });
  writeFileSync(links, '');

  await expect(locate(nodeFileSystem, links, { mayBeMissing: false })).rejects.toMatchObject({
    code: 'ERR_NOT_A_RUN',
    message: expect.stringContaining('is not a directory'),
  });
});

describe('removeLinks', () => {
  const remove = () => removeLinks(nodeFileSystem, Buffer.from(toRunPaths(root, RUN).run), RUN);

  it('removes the links to the run, also dead ones, and nothing else', async () => {
    linkRun(toRunPaths(root, OTHER_RUN), 'other', OTHER_RUN, true);
    symlinkSync('../elsewhere', join(links, `mine${end}`));
    writeFileSync(join(links, `file${end}`), '');
    mkdirSync(join(root, 'tensorboard'));
    symlinkSync(`../runs/${RUN}/outputs/tensorboard`, join(root, 'tensorboard', `first${end}`));
    rmSync(join(root, 'runs', RUN), { recursive: true });

    await remove();

    expect(readdirSync(links).sort()).toEqual(
      [`file${end}`, `mine${end}`, `other-${OTHER_RUN.slice(0, 8)}`].sort(),
    );
    expect(readdirSync(join(root, 'tensorboard'))).toEqual([]);
  });

  it('does nothing without links', async () => {
    rmSync(links, { recursive: true });

    await expect(remove()).resolves.toBeUndefined();
  });
});
