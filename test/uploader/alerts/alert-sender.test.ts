/** Delivers alerts to a real HTTP server, with the commands `sync` and `watch`. */

import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Run } from '../../../src/index.js';
import { SecretUrl } from '../../../uploader/settings/value-types.js';
import { runCommand } from '../../support/run-command.js';
import { NO_CAPTURE } from '../../support/start-run.js';
import { createTempDir } from '../../support/temp-dir.js';

const SECRET = 'T0KENT0KENT0KEN';

interface Received {
  readonly text: string;
  readonly id: string;
  readonly level: string;
  readonly title: string;
  readonly message: string;
  readonly run: { readonly uuid: string; readonly name: string };
}

let server: Server;
let received: Received[];
/** The statuses of the next answers; then 200. */
let statuses: number[];
let isSilent: boolean;
let url: string;
let root: string;
let store: string;
let state: string;

beforeEach(async () => {
  received = [];
  statuses = [];
  isSilent = false;
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (piece) => {
      body += String(piece);
    });
    request.on('end', () => {
      const message = JSON.parse(body) as Received;
      expect(request.headers['idempotency-key']).toBe(message.id);
      received.push(message);
      if (isSilent) return;
      response.writeHead(statuses.shift() ?? 200).end(`ok ${request.url}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/${SECRET}`;
  [root, store, state] = [createTempDir(), createTempDir(), createTempDir()];
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function args(command: string, ...more: string[]): string[] {
  return [command, root, '--store', `file://${store}`, '--state-dir', state, '--alert-webhook', url, ...more];
}

async function alertIn(name: string, ...titles: string[]): Promise<Run> {
  const run = new Run({ root, name, ...NO_CAPTURE });
  for (const title of titles) run.alert({ title, text: 'details', level: 'warn' });
  await run.end();
  return run;
}

const titles = (): string[] => received.map(({ title }) => title);

describe('sync', () => {
  it('sends each alert once, in order, as a text with its parts', async () => {
    const run = await alertIn('baseline', 'first', 'second');

    const { code } = await runCommand(args('sync'));
    await runCommand(args('sync'));

    expect(code).toBe(0);
    expect(titles()).toEqual(['first', 'second']);
    expect(received[0]).toMatchObject({
      text: `⚠️ first\ndetails\nrun baseline / ${run.uuid.slice(0, 8)}`,
      level: 'warn',
      message: 'details',
      run: { uuid: run.uuid, name: 'baseline' },
    });
    expect(received[0]!.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('sends the alerts of other runs if those of one run cannot be read, and says so', async () => {
    const runs = [await alertIn('a', 'first'), await alertIn('b', 'second'), await alertIn('c', 'third')];
    for (const { paths } of runs.slice(0, 2)) {
      const path = join(
        paths.run,
        '.plx',
        readdirSync(join(paths.run, '.plx')).find((name) => /^alerts-/.test(name))!,
      );
      rmSync(path);
      mkdirSync(path);
    }

    const { stderr } = await runCommand(args('sync'));

    expect(titles()).toEqual(['third']);
    for (const { uuid } of runs.slice(0, 2))
      expect(stderr).toContain(`the alerts of run ${uuid} cannot be read`);
  });

  it('repeats what the server fails, with the same id, and prints no part of the URL', async () => {
    await alertIn('baseline', 'first');
    statuses = [503, 500, 429];

    const { code, stdout, stderr } = await runCommand(args('sync', '--verbose'));

    expect(code).toBe(0);
    expect(titles()).toEqual(['first', 'first', 'first', 'first']);
    expect(new Set(received.map(({ id }) => id)).size).toBe(1);
    expect(stderr).toContain('send an alert to 127.0.0.1');
    expect(stdout + stderr).not.toContain(SECRET);
  });

  it('sends an alert that is new since the last sync, also of a resumed run', async () => {
    const run = await alertIn('baseline', 'first');
    await runCommand(args('sync'));
    const resumed = new Run({ root, resume: 'baseline', ...NO_CAPTURE });
    resumed.alert({ title: 'second' });
    await resumed.end();

    await runCommand(args('sync'));

    expect(resumed.uuid).toBe(run.uuid);
    expect(titles()).toEqual(['first', 'second']);
  });

  it('uploads all files while the webhook does not answer, and sends the alert in the next sync', async () => {
    const run = await alertIn('baseline', 'first');
    isSilent = true;

    const first = await runCommand(args('sync', '--retry-timeout', '1'));
    server.closeAllConnections();
    isSilent = false;
    await runCommand(args('sync'));

    expect(first.code).toBe(0);
    expect(readFileSync(join(store, run.uuid, 'run.plx.json'), 'utf8')).toContain('baseline');
    expect(titles().length).toBeGreaterThanOrEqual(2);
    expect(new Set(received.map(({ id }) => id)).size).toBe(1);
  });

  it('continues after an alert that the webhook rejects, and stops at an address that accepts none', async () => {
    await alertIn('baseline', 'first', 'second', 'third');
    statuses = [400, 200, 404];

    const { stderr } = await runCommand(args('sync'));
    const before = titles();
    await runCommand(args('sync'));

    expect(before).toEqual(['first', 'second', 'third']);
    expect(stderr).toMatch(/not delivered: the webhook at 127\.0\.0\.1:\d+ answered 400/);
    expect(stderr).toMatch(/alerts are not delivered: the webhook at .* answered 404; check the URL/);
    expect(stderr).not.toContain(SECRET);
    expect(titles()).toEqual(['first', 'second', 'third', 'third']);
  });

  it('sends neither old alerts nor lines that are incomplete or no alerts', async () => {
    const run = await alertIn('baseline', 'first');
    const path = join(run.paths.run, '.plx', 'alerts-main.jsonl');
    const line = readFileSync(path, 'utf8');
    const old = line.replace(/"time":"[^"]+"/, '"time":"2020-01-01T00:00:00+00:00"').replace('first', 'old');
    writeFileSync(path, `${old}[]\n{"id":1}\nnonsense\n${line}${line.slice(0, 40)}`);

    await runCommand(args('sync'));
    appendFileSync(path, line.slice(40).replace('first', 'completed'));
    await runCommand(args('sync'));

    expect(titles()).toEqual(['first', 'completed']);
  });

  it('sends alerts again if the state is lost, with the same ids', async () => {
    await alertIn('baseline', 'first');
    await runCommand(args('sync'));
    rmSync(state, { recursive: true });

    await runCommand(args('sync'));

    expect(titles()).toEqual(['first', 'first']);
    expect(received[0]!.id).toBe(received[1]!.id);
  });

  it('sends nothing without a webhook and in a dry run, and rejects what is no URL', async () => {
    await alertIn('baseline', 'first');

    await runCommand(args('sync', '--dry-run'));
    await runCommand(args('sync').filter((arg) => arg !== '--alert-webhook' && arg !== url));
    const wrong = await runCommand([...args('sync').slice(0, -1), `ftp://host/${SECRET}`]);

    expect(received).toEqual([]);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('--alert-webhook: value is not the URL of a webhook');
    expect(wrong.stderr).not.toContain(SECRET);
    expect(inspect(new SecretUrl(new URL(url)))).not.toContain(SECRET);
    expect(JSON.stringify(new SecretUrl(new URL(url)))).not.toContain(SECRET);
  });
});

describe('watch', () => {
  it('sends an alert while the run is being written, and after a restart only what is new', async () => {
    const run = new Run({ root, name: 'live', ...NO_CAPTURE });
    run.alert({ title: 'first' });
    const watchUntil = async (count: number): Promise<void> => {
      const stop = new AbortController();
      const watching = runCommand(args('watch', '--shutdown-timeout', '2'), { signal: stop.signal });
      await vi.waitFor(() => expect(received).toHaveLength(count), { timeout: 30_000, interval: 50 });
      stop.abort();
      await watching;
    };

    await watchUntil(1);
    run.alert({ title: 'second' });
    await watchUntil(2);
    await run.end();

    expect(titles()).toEqual(['first', 'second']);
  });
});
