import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { EventFileWriter } from '../../../src/format/writer/event-file-writer.js';
import { runCommand } from '../../support/run-command.js';
import { createSharedTempDir } from '../../support/temp-dir.js';
import { makeRun, RUN } from '../support/run-tree.js';

const home = createSharedTempDir();
const root = join(home, 'root');
const logDirectory = join(home, 'logs');

beforeAll(async () => {
  vi.stubEnv('POLYTRACK_STATE_DIR', join(home, 'state'));
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'made up');
  vi.stubEnv('AWS_REGION', 'us-east-1');
  makeRun(root, { 'outputs/file': 'content' });
  const writer = new EventFileWriter(logDirectory);
  await writer.close();
});
afterAll(() => vi.unstubAllEnvs());

/** Starts an S3 server that never answers. `onRequest` is called for each request. */
async function startDeafServer(onRequest: () => void): Promise<string> {
  const server = createServer(onRequest);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('an interrupted command', () => {
  it.each([
    ['ls'],
    ['check'],
    ['verify', root],
    ['clean', root],
    ['sync', root],
    ['import', logDirectory],
    ['pull', `s3://bucket/team/${RUN}`, join(home, 'pulled')],
  ])('F87: %s says so, and reports no bug', async (...args) => {
    const abort = new AbortController();
    const endpoint = await startDeafServer(() => abort.abort());
    vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
    vi.stubEnv('POLYTRACK_STORE', 's3://bucket/team');

    const { code, stdout, stderr } = await runCommand(args, { signal: abort.signal });

    expect(stdout + stderr).toContain('Interrupted');
    expect(stdout + stderr).not.toMatch(/ERR_UNEXPECTED|a bug in polytrack/);
    expect(code).toBe(1);
  });

  it.each([
    ['sync', root],
    ['sync', root, '--dry-run'],
    ['import', logDirectory],
    ['import', logDirectory, '--dry-run'],
  ])('F87: %s says so when the signal comes before it has read the directory', async (...args) => {
    const store = `file://${home}/store`;

    const { code, stdout, stderr } = await runCommand([...args, '--store', store], {
      signal: AbortSignal.abort(),
    });

    expect(stdout + stderr).toContain('Interrupted');
    expect(stdout + stderr).toContain('not all of its directories were scanned');
    expect(code).toBe(1);
  });

  it.each([
    ['inspect', logDirectory],
    ['fsck', logDirectory],
    ['fsck', logDirectory, '--repair', join(home, 'repaired')],
    ['status', root, '--store', `file://${home}/store`],
  ])('F87: %s stops reading', async (...args) => {
    const { code, stdout, stderr } = await runCommand(args, { signal: AbortSignal.abort() });

    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: 'Interrupted.\n' });
  });
});
