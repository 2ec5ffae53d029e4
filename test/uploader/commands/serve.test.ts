import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Run } from '../../../src/index.js';
import { waitFor } from '../../support/child-server.js';
import { listRuns, readSeries } from '../../support/data-provider-client.js';
import { runCommand } from '../../support/run-command.js';
import { NO_CAPTURE } from '../../support/start-run.js';
import { createTempDir } from '../../support/temp-dir.js';

it('prints the line that makes TensorBoard start the data server', async () => {
  const { code, stdout } = await runCommand(['serve', '--print-env']);

  const program = execFileSync('sh', [
    '-c',
    `eval "$0"; printf %s "$TENSORBOARD_DATA_SERVER_BINARY"`,
    stdout,
  ]);
  expect(code).toBeUndefined();
  expect(existsSync(program.toString())).toBe(true);
});

it('serves the runs of a root until it is stopped', async () => {
  const root = createTempDir();
  const run = new Run({ root, name: 'baseline', ...NO_CAPTURE, announce: false });
  run.logMetrics({ loss: 0.5 }, { step: 3 });
  await run.end();
  const stopping = new AbortController();
  let printed = '';

  const ended = runCommand(['serve', root], {
    signal: stopping.signal,
    onStderr: (text) => {
      printed += text;
    },
  });
  const port = await waitFor('the port', () => Number(/localhost:(\d+)/.exec(printed)?.[1]) || undefined);
  const [name] = await waitFor('the run', async () => {
    const names = await listRuns(port);
    return names.length > 0 ? names : undefined;
  });
  const series = await waitFor('the point', async () => {
    const found = await readSeries(port, name!, 'loss');
    return found.length > 0 ? found : undefined;
  });
  stopping.abort();

  expect(name).toMatch(/^baseline-[0-9a-f]{8}$/);
  expect(series).toEqual([['3', 0.5]]);
  expect(await ended).toMatchObject({ code: 0, stdout: `localhost:${port}\n` });
});

it('names the address when it cannot listen there', async () => {
  const args = ['--host', 'no-such-host.invalid', '--token', 'secret'];
  const { code, stderr } = await runCommand(['serve', createTempDir(), ...args]);

  expect(code).toBe(2);
  expect(stderr).toContain('--host no-such-host.invalid: cannot listen at this address');
});

it.each(['0.0.0.0', '::', '10.0.0.1', 'example.org'])('needs a token for the address %s', async (host) => {
  const { code, stderr } = await runCommand(['serve', createTempDir(), '--host', host]);

  expect(code).toBe(2);
  expect(stderr).toContain('--token');
});
