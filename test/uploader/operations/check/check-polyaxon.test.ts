import { Command } from 'commander';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { addCheckCommand } from '../../../../uploader/commands/check.js';
import { NO_TERMINAL } from '../../../support/no-terminal.js';
import { describeWithPeers } from '../../../support/peers.js';
import { type PolyaxonServer, startSandbox } from '../../../support/polyaxon.js';
import { createSharedTempDir, createTempDir } from '../../../support/temp-dir.js';

const TOKEN = 'a-secret-token-of-a-user';

/** Runs the command in the test's process. */
async function check(url: string, variables: Record<string, string>, ...flags: readonly string[]) {
  const home = createTempDir();
  let text = '';
  let code: number | undefined;
  const take = (more: string): void => {
    text += more;
  };
  const program = new Command('polytrack').exitOverride();
  addCheckCommand(program, {
    environment: { HOME: home, POLYAXON_CONTEXT_ROOT: home, POLYAXON_AUTH_TOKEN: TOKEN, ...variables },
    stdout: take,
    stderr: take,
    columns: () => undefined,
    signal: new AbortController().signal,
    io: nodeIo,
    terminal: NO_TERMINAL,
    setExitCode: (exitCode) => {
      code = exitCode;
    },
  });
  await program.parseAsync(['node', 'polytrack', 'check', url, '--state-dir', createTempDir(), ...flags]);
  expect(text).not.toContain(TOKEN);
  return { text, code };
}

describeWithPeers(['polyaxon'], 'check of a Polyaxon server', () => {
  let server: PolyaxonServer;
  beforeAll(async () => {
    server = await startSandbox(createSharedTempDir());
    await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
  });
  afterAll(() => server.stop());

  it('prints the server and its capabilities', async () => {
    const { text, code } = await check(`polyaxon://${new URL(server.url).host}/default/demo`, {});

    expect(code).toBe(0);
    expect(text).toContain(`store        polyaxon+${server.url}\n`);
    expect(text).toContain(`endpoint     ${server.url}\n`);
    expect(text).toMatch(/version +2\.16\.1 \(ce\)\n/);
    expect(text).toMatch(/project +default\/demo\n/);
    expect(text).toMatch(/credentials +POLYAXON_AUTH_TOKEN/);
    expect(text).toMatch(/appends to objects +NO\n/);
    expect(text).toContain('NOTICE_NO_CONDITIONAL_WRITES');
    expect(text).toMatch(/The store can be used\.\n$/);
  });

  it('uses the host of the environment', async () => {
    const { text, code } = await check('polyaxon://', { POLYAXON_HOST: server.url }, '--json');

    expect(code).toBe(0);
    expect(JSON.parse(text)).toMatchObject({
      store: `polyaxon+${server.url}`,
      endpoint: server.url,
      server: { version: '2.16.1', distribution: 'ce', project: null },
      isUsable: true,
    });
  });

  it('reports a missing project', async () => {
    const { text, code } = await check(`polyaxon+${server.url}/default/none`, {});

    expect(code).toBe(2);
    expect(text).toContain('ERR_API_PROJECT_MISSING: ');
    expect(text).toContain('--create-project');
  });

  it('reports an unreachable server', async () => {
    const { text, code } = await check('polyaxon://127.0.0.1:9/default/demo', {});

    expect(code).toBe(1);
    expect(text).toContain('ERR_API_UNREACHABLE: ');
  });

  it.each([
    'polyaxon://me:hidden@host/default/demo',
    'polyaxon://host/demo',
    'polyaxon+ftp://host/default/demo',
    'polyaxon+http:///default/demo',
  ])('refuses %s without printing the password', async (url) => {
    const { text, code } = await check(url, {});

    expect(code).toBe(2);
    expect(text).toContain('ERR_STORE_URL: ');
    expect(text).not.toContain('hidden');
  });
});
