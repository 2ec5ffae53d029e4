/** Every command that takes a run accepts its name, the first digits of its uuid, its path, and `latest`, on disk and in stores. */

import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseReferenceUrl } from '../../../../uploader/operations/runs/find-run.js';
import { runCommand } from '../../../support/run-command.js';
import { createSharedTempDir } from '../../../support/temp-dir.js';
import { BASELINE, FAILED, makeNamedRun, makeNamedRuns, WIDE } from '../../support/named-runs.js';

const home = createSharedTempDir();
const root = join(home, 'offline');
const other = join(home, 'other');
const store = `file://${home}/store/team`;

beforeAll(async () => {
  vi.stubEnv('POLYAXON_OFFLINE_ROOT', root);
  vi.stubEnv('POLYTRACK_STATE_DIR', join(home, 'state'));
  vi.stubEnv('POLYTRACK_STORE', store);
  mkdirSync(join(home, 'store/team'), { recursive: true });
  await makeNamedRuns(root);
  await makeNamedRun(other, { uuid: 'd'.repeat(32), name: 'exp/one', hoursAgo: 1, losses: [1] });
  expect((await runCommand(['sync', root])).code).toBe(0);
});
afterAll(() => vi.unstubAllEnvs());

/** Each command for one run, with the name of the run in the place of `RUN`. */
const COMMANDS: readonly (readonly [string, readonly string[]])[] = [
  ['show', ['show', 'RUN', '--json']],
  ['compare', ['compare', 'RUN', BASELINE, '--json']],
  ['sync', ['sync', 'RUN', '--json', '--dry-run']],
  ['verify', ['verify', 'RUN', '--json']],
  ['clean', ['clean', 'RUN', '--json']],
  ['status', ['status', 'RUN', '--json']],
  ['inspect', ['inspect', 'RUN', '--json']],
  ['fsck', ['fsck', 'RUN', '--json']],
  ['compact', ['compact', 'RUN', '--json', '--dry-run']],
];

describe('a run on disk', () => {
  it.each(COMMANDS)('%s accepts a name, digits of the uuid, a path and a name in a root', async (_, args) => {
    const outputs = new Set<string>();
    for (const name of ['損失関数の実験', '3f2a9c', join(root, 'runs', WIDE), `${root}/損失関数の実験`]) {
      const { stdout, stderr, code } = await runCommand(args.map((each) => (each === 'RUN' ? name : each)));
      expect(stderr).not.toContain('ERR_');
      outputs.add(`${code} ${withoutTimes(stdout)}`);
    }

    expect([...outputs]).toHaveLength(1);
    expect([...outputs][0]).not.toContain(FAILED);
  });

  it.each(COMMANDS)('%s accepts latest', async (_, args) => {
    const { stdout, stderr } = await runCommand(args.map((each) => (each === 'RUN' ? 'latest' : each)));

    expect(stderr).not.toContain('ERR_');
    expect(`${stdout}${stderr}`).not.toContain(WIDE);
  });

  it.each(COMMANDS.filter(([name]) => name !== 'status'))(
    '%s rejects a name of two runs, and of none',
    async (_, args) => {
      const twice = await runCommand(args.map((each) => (each === 'RUN' ? 'baseline' : each)));
      const never = await runCommand(args.map((each) => (each === 'RUN' ? 'baselin' : each)));

      expect(twice).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining('ERR_RUN_AMBIGUOUS'),
      });
      expect(never).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining('Did you mean "baseline"?'),
      });
    },
  );

  it('may have a name with slashes in a root that is not a default one', async () => {
    const { stdout } = await runCommand(['show', `${other}/exp/one`, '--json']);

    expect(JSON.parse(stdout)).toMatchObject({ uuid: 'd'.repeat(32) });
  });

  it('is not searched for a path that exists, nor for one that begins with a dot', async () => {
    expect((await runCommand(['verify', other, '--json'])).stdout).toContain('d'.repeat(32));
    expect((await runCommand(['verify', './latest'])).stderr).toContain('ERR_NOT_A_RUN');
  });
});

describe('a run in a store', () => {
  it.each(['損失関数の実験', '3f2a9c', WIDE])('is found as %s', async (name) => {
    const shown = await runCommand(['show', `${store}/${name}`, '--json']);
    const listed = await runCommand(['ls', store, '--run', name, '--json']);
    const target = join(home, `pulled ${name}`);
    const pulled = await runCommand(['pull', `${store}/${name}`, target]);
    const fromSetting = await runCommand(['pull', name, `${target} 2`]);

    expect(JSON.parse(shown.stdout)).toMatchObject({ uuid: WIDE, location: `${store}/${WIDE}` });
    expect(listed.stdout).toContain('run.plx.json');
    for (const { code } of [shown, listed, pulled, fromSetting]) expect(code).toBe(0);
    for (const directory of [target, `${target} 2`])
      expect(readdirSync(join(directory, 'runs'))).toEqual([WIDE]);
  });

  it('is listed by runs, and compared with one on disk', async () => {
    const local = JSON.parse((await runCommand(['runs', root, '--json'])).stdout);
    const stored = JSON.parse((await runCommand(['runs', store, '--json'])).stdout);
    const withoutPlace = (runs: { location: string }[]) => runs.map(({ location: _, ...run }) => run);

    expect(withoutPlace(stored)).toEqual(withoutPlace(local));
    expect((await runCommand(['compare', `${store}/3f2a9c`, '3f2a9c'])).stdout).toBe(
      'The runs are equal. Pass --all to print what they have in common.\n',
    );
  });

  it('must be named: a store with runs is not searched from above', async () => {
    const { code, stderr } = await runCommand(['pull', store, join(home, 'none')]);

    expect(code).toBe(2);
    expect(stderr).toContain(`${store}/latest`);
  });

  it('is rejected if its name is unknown or ambiguous', async () => {
    for (const command of ['show', 'pull'])
      for (const [name, text] of [
        ['baseline', 'ERR_RUN_AMBIGUOUS'],
        ['baselin', 'Did you mean "baseline"?'],
      ]) {
        const args = [command, `${store}/${name}`, ...(command === 'pull' ? [join(home, 'none')] : [])];
        const { code, stderr } = await runCommand(args);

        expect(code).toBe(2);
        expect(stderr).toContain(text);
      }
  });
});

describe('parseReferenceUrl', () => {
  it.each([
    ['s3://bucket/prefix/latest', 's3://bucket/prefix', 'latest'],
    ['s3://bucket/3f2a/', 's3://bucket', '3f2a'],
    [`gs://bucket/a/b/${WIDE}`, 'gs://bucket/a/b', WIDE],
    ['file:///mnt/runs/baseline', 'file:///mnt/runs', 'baseline'],
  ])('splits %s', (url, storeUrl, reference) => {
    expect(parseReferenceUrl(url)).toEqual({ store: storeUrl, reference });
  });

  it.each(['s3://bucket', 'file:///latest', `s3://bucket/${WIDE}/outputs`])('rejects %s', (url) => {
    expect(() => parseReferenceUrl(url)).toThrow(expect.objectContaining({ code: 'ERR_CONFIG' }));
  });
});

/** The output without what differs from call to call. */
function withoutTimes(text: string): string {
  return text.replace(
    /"(?:durationMs|ageMs|updatedAt|freeBytes|verifiedAt|lagMs|eventsLagMs)": [^,\n]+/g,
    '',
  );
}
