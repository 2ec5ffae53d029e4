/** Completion in real shells. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { findExpected } from '../../../uploader/commands/complete.js';
import { createProgram } from '../../../uploader/commands/program.js';
import { NO_TERMINAL } from '../../support/no-terminal.js';
import { describeWithPeers } from '../../support/peers.js';
import { runCommand } from '../../support/run-command.js';
import {
  completeInFish,
  createCommandDirectory,
  findShell,
  typeInBash,
  typeInZsh,
} from '../../support/shells.js';
import { createSharedTempDir } from '../../support/temp-dir.js';
import { makeRun } from '../support/run-tree.js';

const program = createProgram(
  {
    ...{ environment: {}, stdout: () => undefined, stderr: () => undefined, columns: () => undefined },
    ...{
      signal: new AbortController().signal,
      io: nodeIo,
      setExitCode: () => undefined,
      terminal: NO_TERMINAL,
    },
  },
  '0.0.0',
);
const textsOf = (...words: string[]): string[] => {
  const { candidates, word, prefix } = findExpected(program, words);
  return candidates.filter(({ text }) => text.startsWith(word)).map(({ text }) => prefix + text);
};

describe('findExpected', () => {
  it('lists every command, also for help', () => {
    const names = program.commands.map((command) => command.name());

    expect(textsOf('')).toEqual([...names, 'help']);
    expect(textsOf('help', '')).toEqual(textsOf(''));
    expect(textsOf('comp')).toEqual(['compact', 'compare', 'completion']);
    expect(textsOf('--')).toEqual(['--version', '--help']);
  });

  it.each(program.commands.map((command) => [command.name(), command] as const))(
    'lists the options that %s has in its help',
    (name, command) => {
      const longs = command
        .createHelp()
        .visibleOptions(command)
        .map(({ long }) => long);

      expect(textsOf(name, '--')).toEqual(longs);
    },
  );

  it('lists the values of an enumeration, in both forms', () => {
    expect(textsOf('export', '--format', '')).toEqual(['csv', 'json', 'parquet', 'arrow']);
    expect(textsOf('export', '--format=p')).toEqual(['--format=parquet']);
    expect(textsOf('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  it.each([
    [['show', ''], { takesRun: true, paths: 'files' }],
    [['compare', 'a', 'b', ''], { takesRun: true }],
    [['sync', '--store', 'file:///x', ''], { takesRun: true }],
    [['sync', '--exclude', 'a', 'b', ''], { takesRun: true }],
    [['sync', '--store', ''], { takesRun: false, paths: 'none' }],
    [['show', 'a', ''], { takesRun: false, paths: 'none' }],
    [['import', ''], { takesRun: false, paths: 'files' }],
    [['compact', '--output', ''], { takesRun: false, paths: 'directories' }],
    [['export', '--out', ''], { takesRun: false, paths: 'files' }],
    [['run', '--', 'python', '--'], { candidates: [], paths: 'files' }],
    [['nothing', ''], { candidates: [], paths: 'none' }],
    [['show', '--nothing=x'], { candidates: [], paths: 'none' }],
  ])('%j', (words, expected) => {
    expect(findExpected(program, words)).toMatchObject(expected);
  });
});

const RUNS = [
  ['a'.repeat(32), 'baseline'],
  ['b'.repeat(32), 'twice'],
  ['c'.repeat(32), 'twice'],
  ['d'.repeat(32), 'with space'],
  ['e'.repeat(32), 'epoch:10'],
  ['f'.repeat(32), 'broken\nname'],
] as const;

describe('in a directory with runs', () => {
  const home = createSharedTempDir();
  const commands = createCommandDirectory();
  const shell = { cwd: home, commands };

  beforeAll(() => {
    for (const [uuid, name] of RUNS)
      makeRun(
        join(home, 'plx-runs'),
        { 'run.plx.json': JSON.stringify({ uuid, name, status: 'succeeded' }) },
        uuid,
      );
    mkdirSync(join(home, 'logs'));
    writeFileSync(join(home, 'lost.txt'), '');
  });

  it('lists names, and uuids where a name is not enough', async () => {
    const list = async (word: string): Promise<string[]> => {
      const { stdout, code } = await runCommand(['completion', 'bash', '--', 'polytrack', 'show', word]);
      expect(code).toBe(0);
      return stdout
        .split('\n')
        .filter((_, index) => index % 2 === 1 && index > 0)
        .filter((text) => text !== '');
    };
    const root = join(home, 'plx-runs/');

    const all = ['latest', 'baseline', 'bbbbbbbb', 'cccccccc', 'with space', 'epoch:10', 'ffffffff'];
    expect((await list(root)).sort()).toEqual(all.map((text) => root + text).sort());
    expect(await list(`${root}aaa`)).toEqual([`${root}aaaaaaaa`]);
    expect(await list(`${root}${'a'.repeat(9)}`)).toEqual([`${root}${'a'.repeat(32)}`]);
    expect(await list('s3://bucket/')).toEqual([]);
  });

  describeWithPeers(['python'], 'bash', () => {
    it('completes commands, options, values, runs and paths', async () => {
      const typed: [string, string][] = [
        ['polytrack exp\t', 'polytrack export '],
        ['polytrack run\u001b*', 'polytrack run runs '],
        ['polytrack sync --reg\t', 'polytrack sync --region '],
        ['polytrack export x --format pa\t', 'polytrack export x --format parquet '],
        ['polytrack export x --format=pa\t', 'polytrack export x --format=parquet '],
        ['polytrack export x --format=\u001b*', 'polytrack export x --format=arrow csv json parquet '],
        ['polytrack show basel\t', 'polytrack show baseline '],
        ['polytrack show aaa\t', 'polytrack show aaaaaaaa '],
        ['polytrack show with\t', 'polytrack show with\\ space '],
        ['polytrack show epoch:1\t', 'polytrack show epoch:10 '],
        ['polytrack show plx-runs/base\t', 'polytrack show plx-runs/baseline '],
        ['polytrack compare baseline bbb\t', 'polytrack compare baseline bbbbbbbb '],
        ['polytrack import lo\u001b*', 'polytrack import logs lost.txt '],
        ['polytrack compact x --output lo\t', 'polytrack compact x --output logs/'],
        ['polytrack nothing \t', 'polytrack nothing '],
      ];

      const lines = await typeInBash(
        typed.map(([keys]) => keys),
        shell,
      );

      expect(lines).toEqual(typed.map(([, line]) => line));
    });
  });

  // .ci/run installs them if it can; they are not on every machine.
  if (findShell('zsh') !== undefined)
    describeWithPeers(['python'], 'zsh', () => {
      it('completes commands, options, values, runs and paths', async () => {
        const typed: [string, string][] = [
          ['polytrack exp\t', 'polytrack export '],
          ['polytrack sync --reg\t', 'polytrack sync --region '],
          ['polytrack export x --format=pa\t', 'polytrack export x --format=parquet '],
          ['polytrack show basel\t', 'polytrack show baseline '],
          ['polytrack show with\t', 'polytrack show with\\ space '],
          ['polytrack show epoch:1\t', 'polytrack show epoch:10 '],
          ['polytrack show plx-runs/base\t', 'polytrack show plx-runs/baseline '],
          ['polytrack compact x --output lo\t', 'polytrack compact x --output logs/'],
        ];

        const lines = await typeInZsh(
          typed.map(([keys]) => keys),
          shell,
        );

        expect(lines).toEqual(typed.map(([, line]) => line));
      });
    });

  if (findShell('fish') !== undefined)
    describe('fish', () => {
      it('completes commands, options, values, runs and paths, with descriptions', async () => {
        const complete = (line: string): Promise<string[]> => completeInFish(line, shell);

        expect(await complete('polytrack exp')).toEqual([expect.stringMatching(/^export\t\w/)]);
        expect(await complete('polytrack sync --reg')).toEqual([
          expect.stringMatching(/^--region\tS3 region/),
        ]);
        expect(await complete('polytrack export x --format=pa')).toEqual(['--format=parquet']);
        expect(await complete('polytrack show basel')).toEqual(['baseline\tbaseline, aaaaaaaa, succeeded']);
        expect(await complete('polytrack show lo')).toEqual(
          expect.arrayContaining(['logs/', 'lost.txt'].map((text) => expect.stringContaining(text))),
        );
        expect(await complete('polytrack compact x --output lo')).toEqual([expect.stringMatching(/^logs\//)]);
      });
    });
});
