import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toDoctorText } from '../../../uploader/commands/doctor.js';
import { countColumns } from '../../../uploader/commands/text-columns.js';
import type { DoctorFinding } from '../../../uploader/operations/doctor/finding.js';
import { startChildServer } from '../../support/child-server.js';
import { describeWithPeers, peerPath } from '../../support/peers.js';
import { runCommand } from '../../support/run-command.js';
import { runProgram } from '../../support/run-program.js';
import { NO_CAPTURE, startRun } from '../../support/start-run.js';
import { createTempDir } from '../../support/temp-dir.js';
import { runInTerminal } from '../../support/terminal.js';
import { makeNamedRuns } from '../support/named-runs.js';

const CLI = join(import.meta.dirname, '../../../dist/uploader/cli.js');

let home = '';
const root = () => join(home, 'plx-runs');
const store = () => `file://${join(home, 'store')}`;

beforeEach(() => {
  home = createTempDir();
  vi.stubEnv('POLYTRACK_STATE_DIR', join(home, 'state'));
  vi.stubEnv('POLYTRACK_STORE', undefined);
  vi.stubEnv('HOME', home);
  vi.stubEnv('TERM', 'xterm-256color');
  for (const name of Object.keys(process.env))
    if (name.startsWith('POLYAXON_') || ['COLUMNS', 'NO_COLOR', 'FORCE_COLOR'].includes(name))
      vi.stubEnv(name, undefined);
});
afterEach(() => vi.unstubAllEnvs());

interface Report {
  readonly code: number | undefined;
  readonly problems: number;
  readonly warnings: number;
  readonly findings: readonly DoctorFinding[];
}

async function examine(...args: string[]): Promise<Report> {
  const { code, stdout } = await runCommand(['doctor', ...args, '--json']);
  return { code, ...(JSON.parse(stdout) as Omit<Report, 'code'>) };
}

const of = ({ findings }: Report, name: string): DoctorFinding[] =>
  findings.filter((finding) => finding.name === name);

async function addRun(name: string): Promise<string> {
  const { run } = startRun({ root: root(), name });
  run.logMetric('loss', 1, { step: 0 });
  await run.end();
  return run.paths.run;
}

/** A program that is killed while it logs. */
async function addCrashedRun(name: string): Promise<void> {
  const options = JSON.stringify({ root: root(), name, ...NO_CAPTURE });
  const body = `const run = new Run(${options}); run.logMetric('loss', 1); await run.flush(); process.kill(process.pid, 'SIGKILL');`;
  await expect(runProgram(body, { cwd: home })).rejects.toMatchObject({ signal: 'SIGKILL' });
}

/** Changes a byte of the first value of the only event file. */
function damage(run: string): void {
  const directory = join(run, 'outputs/tensorboard');
  const path = join(directory, readdirSync(directory)[0]!);
  const bytes = readFileSync(path);
  bytes[bytes.length - 8]! ^= 0xff;
  writeFileSync(path, bytes);
}

/** What differs between machines. */
function toComparable(finding: DoctorFinding): DoctorFinding {
  const replace = (text: string): string =>
    text
      .replaceAll(home, '/home/me')
      .replace(/[\d.]+ GB free/, '12.3 GB free')
      .replace(/\([\d.]+ k?B\)/, '(1.2 kB)')
      .replace(/\b[0-9a-f]{8}\b/g, '3f2a01b7')
      .replace(/\d+\.\d+\.\d+/, '1.2.3');
  const isVaried = ['TensorBoard', 'git'].includes(finding.name);
  return {
    ...finding,
    ...(isVaried
      ? { level: 'ok', advice: null }
      : { advice: finding.advice === null ? null : replace(finding.advice) }),
    found: isVaried ? '1.2.3' : replace(finding.found),
  };
}

describe('polytrack doctor', () => {
  it('fits 80 and 120 columns, and is plain and not wrapped when piped', async () => {
    damage(await addRun('damaged'));
    await addCrashedRun('crashed');
    await runCommand(['sync', root(), '--store', store()]);
    await addRun('new');
    const report = await examine(root(), '--store', store());
    const findings = report.findings.map(toComparable);

    for (const width of [80, 120]) {
      const text = toDoctorText(findings, { width });
      for (const line of text.split('\n')) expect(countColumns(line)).toBeLessThanOrEqual(width);
      await expect(text).toMatchFileSnapshot(`golden/doctor-${width}.txt`);
    }
    await expect(toDoctorText(findings, {})).toMatchFileSnapshot('golden/doctor-piped.txt');
    expect(report).toMatchObject({ code: 1, problems: 1 });
  });

  it('colours levels only, and only on a terminal', async () => {
    await makeNamedRuns(root());
    const { text } = await runInTerminal(80, ['doctor', root()]);
    const { stdout } = await runCommand(['doctor', root()]);

    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours
    const painted = text.match(/\u001b\[\d+m[^\u001b]*\u001b\[39m/g) ?? [];
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours
    const words = painted.map((each) => each.replace(/\u001b\[\d+m/g, '').trim());
    expect(words).toContain('ok');
    expect(['ok', 'warning', 'problem']).toEqual(expect.arrayContaining([...new Set(words)]));
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('3 runs');
  });

  it('finds no problem in a root that is uploaded, and leaves no file behind', async () => {
    await addRun('first');
    await runCommand(['sync', root(), '--store', store()]);

    const report = await examine(root(), '--store', store());

    expect(report).toMatchObject({ code: 0, problems: 0 });
    expect(of(report, 'runs')).toMatchObject([{ level: 'ok', found: '1 run' }]);
    expect(of(report, 'upload')).toMatchObject([
      { level: 'ok', found: `${store()}: no uploader is running; 1 run stored` },
    ]);
    expect(of(report, 'store')).toMatchObject([{ level: 'ok', found: expect.stringContaining('put yes') }]);
    expect(readdirSync(root())).toEqual(['runs']);
    for (const name of ['Node.js', 'polytrack', 'S3', 'Azure', 'GCS', 'Arrow', 'Parquet', 'state'])
      expect(of(report, name), name).toMatchObject([{ level: 'ok' }]);
  });

  it('names runs that ended without recording it, and damaged event files', async () => {
    await addCrashedRun('crashed');
    damage(await addRun('damaged'));

    const report = await examine(root());

    expect(report.code).toBe(1);
    expect(of(report, 'runs')).toMatchObject([
      { level: 'ok', found: '2 runs' },
      {
        level: 'warning',
        found: expect.stringMatching(/^1 run ended without recording it: "crashed" [0-9a-f]{8}$/),
        advice: expect.stringContaining('resume: true'),
      },
    ]);
    expect(of(report, 'event files')).toMatchObject([
      {
        level: 'problem',
        found: expect.stringMatching(/^2 files \(\S+ \w+\) checked; damaged: "damaged" [0-9a-f]{8}$/),
        advice: expect.stringContaining(`polytrack fsck ${root()}. --repair`),
      },
    ]);
    // The crashed run alone has no damage.
    expect((await examine(join(root(), 'crashed'))).code).toBe(0);
  });

  it('says what is not uploaded, and how to upload it', async () => {
    const run = await addRun('first');
    expect(of(await examine(root()), 'upload')).toMatchObject([{ level: 'ok' }]);
    expect(of(await examine(root(), '--store', store()), 'upload')).toMatchObject([
      { level: 'warning', advice: `Run: polytrack sync ${root()} --store ${store()}` },
    ]);
    await runCommand(['sync', root(), '--store', store()]);
    writeFileSync(join(run, 'outputs/new.bin'), 'new');

    expect(of(await examine(root()), 'upload')).toMatchObject([
      {
        level: 'warning',
        found: `${store()}: no uploader is running; 1 file (3 B) of 1 run not stored`,
        advice: `Run: polytrack sync ${root()} --store ${store()}`,
      },
    ]);
  });

  it('shows a running uploader', async () => {
    await addRun('first');
    const server = await startChildServer(process.execPath, [CLI, 'watch', root(), '--store', store()], {
      env: process.env,
      isReady: async () =>
        of(await examine(root()), 'upload').some(({ found }) =>
          /watching \(process .*; 1 run stored$/.test(found),
        ),
    });
    const [finding] = of(await examine(root()), 'upload');
    await server.stop();

    expect(finding).toMatchObject({ level: 'ok', found: expect.stringContaining('; 1 run stored') });
  });

  it('continues after an invalid setting, and reports an unusable store and a missing root', async () => {
    await addRun('first');
    vi.stubEnv('POLYTRACK_INTERVAL', 'often');
    const invalid = await examine(root());
    vi.stubEnv('POLYTRACK_INTERVAL', undefined);
    writeFileSync(join(home, 'file'), '');
    const unusable = await examine(root(), '--store', `file://${join(home, 'file')}`);
    const missing = await examine(join(home, 'none'));

    expect(invalid.code).toBe(1);
    expect(of(invalid, 'settings')).toMatchObject([
      { level: 'problem', found: expect.stringContaining('POLYTRACK_INTERVAL') },
    ]);
    expect(of(invalid, 'runs')).toMatchObject([{ level: 'ok' }]);
    expect(of(unusable, 'store')).toMatchObject([
      { level: 'problem', found: expect.stringContaining('ERR_') },
    ]);
    expect(of(missing, 'root')).toMatchObject([
      { level: 'problem', found: `${join(home, 'none')} does not exist` },
    ]);
    expect(of(missing, 'runs')).toEqual([]);
  });

  it('reports the variables of Polyaxon without the token', async () => {
    vi.stubEnv('POLYAXON_HOST', 'https://plx.example.org');
    vi.stubEnv('POLYAXON_AUTH_TOKEN', 'a-secret-token');
    const offline = await runCommand(['doctor', root(), '--json']);
    vi.stubEnv('POLYAXON_NO_OP', 'true');
    const noOp = await examine(root());
    vi.stubEnv('POLYAXON_HOST', 'https://user:password@plx.example.org');
    vi.stubEnv('POLYAXON_NO_OP', undefined);
    const invalid = await examine(root());

    expect(offline.stdout).not.toContain('a-secret-token');
    expect(offline.stdout).toContain(
      'POLYAXON_AUTH_TOKEN, POLYAXON_HOST are set; server https://plx.example.org, token: POLYAXON_AUTH_TOKEN; runs are written offline',
    );
    expect(of(noOp, 'Polyaxon')).toMatchObject([{ level: 'warning' }]);
    expect(of(invalid, 'Polyaxon')).toMatchObject([{ level: 'problem' }]);
  });

  it('examines a directory of event files of another program', async () => {
    const logs = join(home, 'logs');
    mkdirSync(logs);
    const run = await addRun('first');
    const events = join(run, 'outputs/tensorboard');
    const [name = ''] = readdirSync(events);
    writeFileSync(join(logs, name), readFileSync(join(events, name)));

    const report = await examine(logs);

    expect(report.code).toBe(0);
    expect(of(report, 'runs')).toEqual([]);
    expect(of(report, 'event files')).toMatchObject([{ found: expect.stringContaining('1 file') }]);
  });
});

describe('programs', () => {
  it('are missing', async () => {
    vi.stubEnv('PATH', home);
    const report = await examine(root());

    expect(of(report, 'TensorBoard')).toMatchObject([
      { level: 'warning', advice: 'Run: pip install tensorboard' },
    ]);
    expect(of(report, 'git')).toMatchObject([{ level: 'warning' }]);
  });

  it('fail', async () => {
    writeFileSync(join(home, 'tensorboard'), '#!/bin/sh\necho "ImportError: no numpy" >&2; exit 1\n');
    chmodSync(join(home, 'tensorboard'), 0o755);
    vi.stubEnv('PATH', `${home}:/usr/bin:/bin`);

    expect(of(await examine(root()), 'TensorBoard')).toMatchObject([
      { level: 'warning', found: 'tensorboard fails: ImportError: no numpy' },
    ]);
    expect(existsSync(join(home, 'state'))).toBe(false);
  });
});

describeWithPeers(['tensorboard'], 'polytrack doctor with TensorBoard', () => {
  it('prints the version of TensorBoard, and how it is started', async () => {
    vi.stubEnv('PATH', `${dirname(peerPath('tensorboard'))}:${process.env.PATH}`);

    expect(of(await examine(root()), 'TensorBoard')).toMatchObject([
      { level: 'ok', found: expect.stringMatching(/^2\.\d+\.\d+, started with tensorboard$/) },
    ]);
  });
});
