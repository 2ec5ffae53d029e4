import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Run } from '../../../src/index.js';
import { countColumns } from '../../../uploader/commands/text-columns.js';
import { runCommand } from '../../support/run-command.js';
import { createSharedTempDir, createTempDir } from '../../support/temp-dir.js';
import { runInTerminal } from '../../support/terminal.js';
import { BASELINE, FAILED, makeNamedRuns, WIDE } from '../support/named-runs.js';

const home = createSharedTempDir();
const root = join(home, 'plx-runs');

beforeAll(() => makeNamedRuns(root));
beforeEach(() => {
  vi.stubEnv('TERM', 'xterm-256color');
  for (const name of ['COLUMNS', 'NO_COLOR', 'FORCE_COLOR']) vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

async function inTerminal(columns: number, args: readonly string[]): Promise<string> {
  return (await runInTerminal(columns, args)).text.replaceAll('\r\n', '\n');
}

/** Without colours, times, and the path of the test. */
function toComparable(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours
      .replace(/\u001b\[\d+m/g, '')
      .replaceAll(home, '~')
      .replace(/\d{4}-\d\d-\d\d \d\d:\d\d/g, '2026-01-02 03:04')
      .replace(/:\d\d UTC/, ':05 UTC')
      .replace(/^( {2})\d\d:\d\d:\d\d {2}/gm, '$1hh:mm:ss  ')
  );
}

/** The width of the cut path differs with the path of the test. */
const withoutLocation = (text: string): string => text.replace(/^ {2}location .*\n/gm, '');

const COMMANDS: readonly (readonly [string, readonly string[]])[] = [
  ['runs', ['runs', root]],
  ['show', ['show', `${root}/3f2a9`]],
  ['compare', ['compare', `${root}/${BASELINE}`, `${root}/${WIDE}`, `${root}/${FAILED}`]],
];

describe.each(COMMANDS)('%s', (name, args) => {
  it.each([80, 120])('fits a terminal of %d columns', async (columns) => {
    const text = withoutLocation(toComparable(await inTerminal(columns, args)));

    for (const line of text.split('\n')) expect(countColumns(line)).toBeLessThanOrEqual(columns);
    await expect(text).toMatchFileSnapshot(`golden/${name}-${columns}.txt`);
  });

  it('is plain when piped, with NO_COLOR, and on a terminal without colours', async () => {
    const { stdout } = await runCommand(args);

    await expect(withoutLocation(toComparable(stdout))).toMatchFileSnapshot(`golden/${name}-piped.txt`);
    vi.stubEnv('NO_COLOR', '1');
    expect(await inTerminal(120, args)).not.toContain('\u001b');
    vi.stubEnv('NO_COLOR', undefined);
    vi.stubEnv('TERM', 'dumb');
    expect(await inTerminal(120, args)).not.toContain('\u001b');
  });

  it('prints JSON that contains everything', async () => {
    const { stdout, code } = await runCommand([...args, '--json']);

    expect(code).toBe(0);
    expect(JSON.stringify(JSON.parse(stdout))).toContain(WIDE);
  });
});

describe('runs', () => {
  it.each([
    [['--sort', '-train/los'], '"train/los"; did you mean "train__loss"?'],
    [['--columns', 'name,optimiser'], '"optimiser"'],
    [['--filter', 'nothing=3'], '"nothing"'],
  ])('says that no run has the column of %j', async (flags, expected) => {
    const { stderr } = await runCommand(['runs', root, ...flags]);

    expect(stderr).toContain(`no run has a value for the column ${expected}`);
    expect(stderr.match(/no run has/g)).toHaveLength(1);
  });

  it('shows last values that are not finite, which the record of a run cannot have', async () => {
    const other = createTempDir();
    const run = new Run({ root: other, name: 'diverged', trackCode: false, collectResources: false });
    run.log({ loss: Number.NaN, val: { loss: Number.NEGATIVE_INFINITY }, acc: 0.5 }, { step: 1 });
    await run.end();

    const { stdout } = await runCommand(['runs', other]);

    const [names, values] = stdout.split('\n').map((line) => line.trim().split(/ {2,}/));
    const shown = Object.fromEntries(names!.map((name, column) => [name, values![column]]));
    expect(shown).toMatchObject({ name: 'diverged', loss: 'NaN', val__loss: '-Infinity', acc: '0.5' });
  });

  it('accepts columns that some run has', async () => {
    const { stderr } = await runCommand(['runs', root, '--sort', 'train/loss', '--filter', 'owner!=someone']);

    expect(stderr).toBe('');
  });

  it('colours statuses only', async () => {
    const text = await inTerminal(120, ['runs', root]);

    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours
    expect(text.match(/\u001b\[\d+m\w+\u001b/g)).toEqual([
      '\u001b[31mfailed\u001b',
      '\u001b[32msucceeded\u001b',
      '\u001b[32msucceeded\u001b',
    ]);
  });

  it('filters, sorts and chooses columns', async () => {
    const args = ['--filter', 'lr<1', '--sort', '-train/loss', '--columns', 'uuid,model.width,train/loss'];
    const { stdout } = await runCommand(['runs', root, ...args]);

    expect(stdout).toBe(
      [
        'run       model.width  train/loss',
        '3f2a9c44         1024      0.1235',
        '3f2a01b7          128        0.05',
        '2 runs',
        '',
      ].join('\n'),
    );
  });

  it('prints CSV with exact values', async () => {
    const { stdout } = await runCommand(['runs', root, '--csv', '--columns', 'name,lr,train/loss,best']);

    expect(stdout).toBe(
      'name,lr,train/loss,best\nbaseline,1,50,true\n損失関数の実験,0.01,0.123456789,true\nbaseline,0.1,0.05,true\n',
    );
  });

  it('exits with 1 when no run is listed, and with 2 without a root', async () => {
    expect((await runCommand(['runs', root, '--filter', 'name=none'])).code).toBe(1);
    const { code, stderr } = await runCommand(['runs', join(home, 'none')]);

    expect(code).toBe(2);
    expect(stderr).toContain('ERR_RUNS_NOT_FOUND');
  });

  it('--watch prints the table once until something changes, and ends with the signal', async () => {
    const controller = new AbortController();
    const running = runCommand(['runs', root, '--watch', '--json'], { signal: controller.signal });
    // Long enough to read the runs at least once; the same table is not printed again.
    setTimeout(() => controller.abort(), 3000);
    const { stdout } = await running;

    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(stdout)).toHaveLength(3);
  });
});

describe('show and compare', () => {
  it('name what is wrong with a reference', async () => {
    const ambiguous = await runCommand(['show', `${root}/baseline`]);
    const wholeRoot = await runCommand(['show', root]);
    const single = await runCommand(['compare', `${root}/latest`]);

    expect(ambiguous).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/ERR_RUN_AMBIGUOUS: .*c0de5a31, 3 h old; .*2 d old/),
    });
    expect(wholeRoot).toMatchObject({ code: 2, stderr: expect.stringContaining('has 3 runs, expected one') });
    expect(single).toMatchObject({ code: 2, stderr: expect.stringContaining('at least two runs') });
  });

  it('escape foreign text', async () => {
    const { stdout } = await runCommand(['show', `${root}/latest`]);

    expect(stdout).toContain('done \\u001b[2J');
  });
});
