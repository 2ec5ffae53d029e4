/** Every command, over names, tags, statuses, paths and answers that try to act on the terminal or to imitate lines. */

import { appendFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SummaryWriter } from '../../../src/summary-writer/summary-writer.js';
import { runCommand } from '../../support/run-command.js';
import { createSharedTempDir } from '../../support/temp-dir.js';
import { makeRun, RUN } from '../support/run-tree.js';

const HOSTILE = '\u001b]0;pwned\u0007\u001b[2Jloss\nforged line\r\u0085\u202e\u2066\u200b\u2028';
// biome-ignore lint/suspicious/noControlCharactersInRegex: the expression matches control characters
const RAW = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202e\u2066\u2028]/;

const home = createSharedTempDir();
const root = join(home, 'root');
const logs = join(home, 'logs');
const store = `file://${home}/store`;

beforeAll(async () => {
  vi.stubEnv('POLYTRACK_STATE_DIR', join(home, 'state'));
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'made up');
  vi.stubEnv('AWS_REGION', 'us-east-1');
  mkdirSync(join(home, 'store'));
  makeRun(root, {
    'run.plx.json': JSON.stringify({ uuid: RUN, name: HOSTILE, status: HOSTILE, finished_at: HOSTILE }),
    [`outputs/${HOSTILE}`]: 'content',
    'outputs/.env': '',
  });
  const writer = new SummaryWriter(join(logs, HOSTILE));
  writer.addScalar(HOSTILE, 1);
  writer.addText('text', HOSTILE);
  await writer.close();
  const [file = ''] = readdirSync(join(logs, HOSTILE));
  appendFileSync(join(logs, HOSTILE, file), 'damage');
  writeFileSync(join(home, 'settings.json'), JSON.stringify({ [HOSTILE]: 1 }));
});
afterAll(() => vi.unstubAllEnvs());

async function expectPrintable(args: readonly string[]): Promise<void> {
  const { stdout, stderr } = await runCommand(args);

  expect(stdout + stderr).not.toBe('');
  expect(`${stdout}${stderr}`.match(RAW)).toBeNull();
  expect(`${stdout}${stderr}`).not.toMatch(/^forged/m);
  if (args.includes('--json')) expect(() => JSON.parse(stdout)).not.toThrow();
}

describe('hostile text', () => {
  // In this order, because each command sees what the previous ones have left.
  it.each<[string, string[]]>([
    ['inspect', ['inspect', logs]],
    ['inspect --tag', ['inspect', logs, '--tag', HOSTILE]],
    ['inspect --tag of texts', ['inspect', logs, '--tag', 'text']],
    ['inspect --json', ['inspect', logs, '--json']],
    ['inspect of nothing', ['inspect', join(home, HOSTILE)]],
    ['inspect of a missing tag', ['inspect', logs, '--tag', `no ${HOSTILE}`]],
    ['fsck', ['fsck', logs]],
    ['fsck --repair', ['fsck', logs, '--repair', join(home, `repaired ${HOSTILE}`)]],
    ['fsck --json', ['fsck', logs, '--json']],
    ['sync --dry-run', ['sync', root, '--store', store, '--dry-run']],
    ['sync', ['sync', root, '--store', store, '--verbose']],
    ['sync --json', ['sync', root, '--store', store, '--json']],
    ['sync of nothing', ['sync', join(home, HOSTILE), '--store', store]],
    ['sync with an unknown key', ['sync', root, '--store', store, '--config', join(home, 'settings.json')]],
    ['import', ['import', logs, '--store', store]],
    ['status', ['status', root, '--store', store]],
    ['status --json', ['status', '--json']],
    ['ls', ['ls', store]],
    ['ls of a run', ['ls', `${store}/${RUN}`]],
    ['ls --json', ['ls', `${store}/${RUN}`, '--json']],
    ['ls of a wrong URL', ['ls', HOSTILE]],
    ['check', ['check', `${store}/${HOSTILE}`]],
    ['verify', ['verify', root, '--store', store]],
    ['verify --json', ['verify', root, '--store', store, '--json']],
    ['clean', ['clean', root, '--store', store]],
    ['pull', ['pull', `${store}/${RUN}`, join(home, `pulled ${HOSTILE}`)]],
  ])('F88: cannot act on the terminal or imitate a line in %s', async (_, args) => expectPrintable(args));

  it('F88: cannot act on the terminal or imitate a line in the answer of a server', async () => {
    const server = createServer((_, response) => {
      response.writeHead(400, { 'content-type': 'application/xml' });
      response.end(`<Error><Code>Odd${HOSTILE}</Code><Message>${HOSTILE}</Message></Error>`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);

    for (const args of [
      ['check', 's3://bucket/a'],
      ['ls', 's3://bucket/a'],
      ['sync', root, '--store', 's3://bucket/a', '--verbose'],
    ])
      await expectPrintable(args);
  });
});
