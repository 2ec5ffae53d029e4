/** `polytrack mcp`, by the official client over stdio. */

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect, it, onTestFinished } from 'vitest';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { resolveConfig, sync } from '../../../uploader/index.js';
import { createTempDir } from '../../support/temp-dir.js';
import { FAILED, makeNamedRuns, WIDE } from '../support/named-runs.js';

const CLI = join(import.meta.dirname, '../../../dist/uploader/cli.js');

async function connect(place: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  const env = { ...process.env, POLYTRACK_STATE_DIR: createTempDir() } as Record<string, string>;
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [CLI, 'mcp', place], env, stderr: 'ignore' }),
  );
  onTestFinished(() => client.close());
  return client;
}

async function call(client: Client, name: string, input: Record<string, unknown>) {
  const { content, isError } = await client.callTool({ name, arguments: input });
  const [{ text }] = content as [{ text: string }];
  return isError === true ? text : JSON.parse(text);
}

it.each(['a root', 'a store'])(
  'lists, shows and compares runs of %s, and reads metrics',
  async (kind) => {
    const root = createTempDir();
    await makeNamedRuns(root);
    const store = pathToFileURL(createTempDir()).href;
    const stateDir = createTempDir();
    if (kind === 'a store')
      await sync((await resolveConfig(root, { store, stateDir }, {}, nodeFileSystem)).config);
    const client = await connect(kind === 'a store' ? store : root);

    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(['list_runs', 'show_run', 'compare_runs', 'read_metrics']);
    expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true)).toBe(true);
    const listed = await call(client, 'list_runs', { sort: 'lr', filter: ['status=succeeded'] });
    expect(listed).toMatchObject({
      count: 2,
      runs: [{ uuid: WIDE, inputs: { lr: 0.01 } }, { name: 'baseline' }],
    });
    const columns = await call(client, 'list_runs', { columns: ['lr', 'train/loss'], sort: '-lr', limit: 1 });
    expect(columns).toEqual({ count: 3, runs: [{ lr: 1, 'train/loss': 50 }] });
    expect(await call(client, 'show_run', { run: WIDE })).toMatchObject({
      ...{ name: '損失関数の実験', metrics: [{ name: 'train/loss', min: 0.123456789, max: 2, points: 4 }] },
      git: { branch: 'main' },
    });
    const compared = await call(client, 'compare_runs', { runs: [WIDE, FAILED] });
    expect(compared.parameters).toMatchObject({ lr: [0.01, 1], optimizer: ['adam', 'sgd'] });
    expect(await call(client, 'read_metrics', { run: WIDE })).toMatchObject({
      metrics: [{ name: 'train/loss', points: 4, steps: [0, 1, 2, 3], values: [2, 1, 'NaN', 0.123456789] }],
    });
    const thinned = await call(client, 'read_metrics', { run: '3f2a01b7', names: ['train/loss'], points: 3 });
    expect(thinned.metrics[0]).toMatchObject({ points: 40, steps: [0, 20, 39] });
    expect(await call(client, 'show_run', { run: 'no-such-run' })).toContain('ERR_RUN_UNKNOWN');
    expect(await call(client, 'show_run', {})).toContain('expected a text');
  },
  120_000,
);
