import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { Run } from '../../../src/index.js';
import { runCli } from '../../support/cli.js';
import { NO_CAPTURE } from '../../support/start-run.js';
import { createTempDir } from '../../support/temp-dir.js';

const [FIRST, SECOND] = ['a'.repeat(32), 'b'.repeat(32)] as const;

async function createRoot(): Promise<string> {
  const root = createTempDir();
  for (const uuid of [FIRST, SECOND]) {
    const run = new Run({ root, uuid, name: uuid.slice(0, 1), ...NO_CAPTURE });
    run.logMetrics({ loss: 0.5, acc: 1 }, { step: 3, wallTime: 1.7e9 });
    await run.end();
  }
  return root;
}

it('prints CSV of the named metrics and runs', async () => {
  const root = await createRoot();

  const { code, stdout, stderr } = await runCli('export', root, 'bb', '--metric', 'loss');

  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toBe(`run,name,tag,step,wall_time,value\r\n${SECOND},b,loss,3,1700000000,0.5\r\n`);
});

it.each(['b', 'latest', 'bbbb'])('exports the run that is named %s', async (reference) => {
  const root = await createRoot();

  const { code, stdout } = await runCli('export', root, reference, '--metric', 'loss');

  expect([code, stdout.match(/,loss,/g)]).toEqual([0, [',loss,']]);
  expect(stdout).toContain(SECOND);
});

it('exports a run without a uuid by its name, and a run that is named twice once', async () => {
  const root = await createRoot();
  const directory = join(root, 'runs', SECOND);
  const record = JSON.parse(readFileSync(join(directory, 'run.plx.json'), 'utf8')) as object;
  writeFileSync(join(directory, 'run.plx.json'), JSON.stringify({ ...record, uuid: undefined }));
  renameSync(directory, join(root, 'runs', 'renamed'));

  const { code, stdout } = await runCli(
    'export',
    join(root, 'runs', 'renamed'),
    'b',
    'b',
    '--metric',
    'loss',
  );

  expect([code, stdout.match(/,b,loss,/g)]).toEqual([0, [',b,loss,']]);
});

it('rejects the name of no run, and reports a metric that no run has', async () => {
  const root = await createRoot();

  const run = await runCli('export', root, 'absent');
  const metric = await runCli('export', root, '--metric', 'loss', 'lost');

  expect([run.code, run.stdout]).toEqual([2, '']);
  expect(run.stderr).toContain('ERR_RUN_UNKNOWN');
  expect([metric.code, metric.stdout.match(/,loss,/g)]).toEqual([1, [',loss,', ',loss,']]);
  expect(metric.stderr).toContain('ERR_METRIC_UNKNOWN: no run has the metric "lost"');
});

it('writes a file of the runs of a store', async () => {
  const [root, store, directory] = [await createRoot(), createTempDir(), createTempDir()];
  const url = pathToFileURL(store).href;
  await runCli('sync', root, '--store', url, '--state-dir', createTempDir());
  const out = join(directory, 'metrics.csv');

  const { code, stdout, stderr } = await runCli('export', url, '--wide', '--out', out);

  expect([code, stdout, stderr]).toEqual([0, '', expect.stringContaining('2 runs')]);
  expect(readFileSync(out, 'utf8').split('\r\n')).toEqual([
    'run,name,step,wall_time,loss,acc',
    `${FIRST},a,3,1700000000,0.5,1`,
    `${SECOND},b,3,1700000000,0.5,1`,
    '',
  ]);
});

it('exits with 1 if a run is damaged, and exports the rest', async () => {
  const root = await createRoot();
  writeFileSync(join(root, 'runs', FIRST, 'run.plx.json'), '{');

  const { code, stdout, stderr } = await runCli('export', root, '--metric', 'loss');

  expect(code).toBe(1);
  expect(stderr).toContain('ERR_RUN_FILE');
  expect(stdout.match(/,loss,/g)).toHaveLength(2);
});

it('exits with 2 and leaves no file if nothing can be exported', async () => {
  const directory = createTempDir();
  const out = join(directory, 'metrics.parquet');

  const absent = await runCli('export', join(directory, 'absent'), '--format', 'parquet', '--out', out);
  const unknown = await runCli('export', directory, '--format', 'xlsx');

  expect([absent.code, unknown.code]).toEqual([2, 2]);
  expect(absent.stderr).toContain('ERR_RUNS_NOT_FOUND');
  expect(unknown.stderr).toContain('csv, json, parquet, arrow');
  expect(existsSync(out)).toBe(false);
  expect(readdirSync(directory)).toEqual([]);
});
