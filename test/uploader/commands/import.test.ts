/** `polytrack import` into a store that is not a Polyaxon server. */

import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { toImportedUuid } from '../../../uploader/run-directory/run-uuid.js';
import { runCli } from '../../support/cli.js';
import { createTempDir } from '../../support/temp-dir.js';
import { scalars, writeLogs } from '../support/logs.js';

/** A server that counts requests and knows nothing; the environment names it as the Polyaxon server. */
async function startServer(): Promise<{ count: () => number }> {
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 1;
    response.writeHead(404).end('{}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  vi.stubEnv('POLYAXON_HOST', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { count: () => requests };
}

describe('import --store file://', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('contacts no Polyaxon server, and stores Polyaxon event files', async () => {
    const { count } = await startServer();
    const [root, store] = [createTempDir(), createTempDir()];
    writeLogs(root, { a: [scalars('loss')] });
    const { code, stdout, stderr } = await runCli(
      ...['import', root, '--store', `file://${store}`, '--project', 'demo'],
      ...['--state-dir', createTempDir(), '--uuid-seed', 'seed'],
    );

    expect(code, stdout + stderr).toBe(0);
    expect(count()).toBe(0);
    const run = join(store, toImportedUuid('seed', 'a'));
    expect(readdirSync(join(run, 'events/metric'))).toEqual(['loss.plx']);
    expect(existsSync(join(run, 'outputs/tensorboard'))).toBe(true);
  });

  it('reports the runs to a Polyaxon server with --polyaxon', async () => {
    const { count } = await startServer();
    const root = createTempDir();
    writeLogs(root, { a: [scalars('loss')] });
    const { code } = await runCli(
      ...['import', root, '--store', `file://${createTempDir()}`, '--project', 'demo', '--polyaxon'],
      ...['--state-dir', createTempDir(), '--retry-timeout', '0'],
    );

    expect(code).not.toBe(0);
    expect(count()).toBeGreaterThan(0);
  });
});
