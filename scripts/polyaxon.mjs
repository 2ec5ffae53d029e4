// Starts a real Polyaxon server on loopback, installed from its packages at pinned versions:
//
//   npm run polyaxon                                   http://127.0.0.1:8000, until Ctrl-C
//   npm run polyaxon -- --port 8111 --data /srv/plx    another port (0: any free port), another data directory
//   npm run polyaxon -- --project digits               the project to create; default quickstart
//   POLYTRACK_POLYAXON_PEER=polyaxon-newest npm run polyaxon   the newest versions of its packages
//
// The database, runs and caches are in `.polyaxon-server/` or --data. The user's Polyaxon configuration is neither read nor changed.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { peersDirectory, polyaxonPeer } from './peers-directory.mjs';

const READY_WITHIN_MS = 120_000;

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8000' },
    data: { type: 'string', default: fileURLToPath(new URL('../.polyaxon-server', import.meta.url)) },
    project: { type: 'string', default: 'quickstart' },
  },
});
const data = resolve(values.data);
const port = values.port === '0' ? await findFreePort() : Number(values.port);
const url = `http://127.0.0.1:${port}`;

execFileSync(
  process.execPath,
  [fileURLToPath(new URL('peers.mjs', import.meta.url)), '--only', polyaxonPeer()],
  {
    stdio: 'inherit',
  },
);
if (await isInUse(port)) fail(`port ${port} is in use; choose another with --port, or use --port 0`);
mkdirSync(data, { recursive: true });

const server = startServer();
const ended = new Promise((settle) => server.once('exit', (code, signal) => settle({ code, signal })));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => server.kill('SIGTERM'));
const outcome = await Promise.race([ended, waitUntilReady()]);
if (outcome !== 'ready') fail(`the server ended (${outcome.code ?? outcome.signal}):\n${tail()}`);
await createProject(values.project);
console.log(`
Polyaxon ${await version()} is ready.

  web page   ${url}/ui/
  data       ${data}
  project    default/${values.project}
  sync       npx polytrack sync plx-runs --store polyaxon://127.0.0.1:${port}/default/${values.project}

Ctrl-C stops it.`);
const { code, signal } = await ended;
process.exitCode = signal === null ? (code ?? 1) : 0;

function startServer() {
  const haupt = join(peersDirectory(), polyaxonPeer(), 'venv', 'bin', 'haupt');
  const options = ['--host', '127.0.0.1', '--port', String(port), '--workers', '1', '--path', data];
  return spawn(haupt, ['sandbox', 'start', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH,
      // The server stores its database in its home directory, and other data in the given path.
      HOME: data,
      POLYAXON_HOME: data,
      POLYAXON_ARCHIVES_ROOT: join(data, 'archives'),
      // No other hosts: no version check, no error reports, no external scripts in the web page.
      POLYAXON_INTERVALS_COMPATIBILITY_CHECK: '-1',
      POLYAXON_DISABLE_ERRORS_REPORTING: 'true',
      POLYAXON_UI_OFFLINE: 'true',
      POLYAXON_UI_IN_SANDBOX: 'true',
      // Event files are UTF-8, but the server reads them in the encoding of the locale.
      LC_ALL: 'C.UTF-8',
    },
  });
}

/** Returns the last lines that the server printed. They are not shown, because it prints a line for each request. */
function tail() {
  return server.lines.join('\n');
}

async function waitUntilReady() {
  server.lines = [];
  for (const stream of [server.stdout, server.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      server.lines = [...server.lines, ...text.trimEnd().split('\n')].slice(-20);
    });
  }
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline) {
    if ((await request('/api/v1/installation'))?.ok) return 'ready';
    await sleep(200);
  }
  server.kill('SIGTERM');
  return fail(`the server did not answer within ${READY_WITHIN_MS / 1000} s:\n${tail()}`);
}

async function createProject(name) {
  if ((await request(`/api/v1/default/${name}`))?.ok) return;
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  };
  const response = await request('/api/v1/default/projects/create', init);
  if (!response?.ok) fail(`cannot create project ${name}: ${response?.status} ${response?.text}`);
}

async function version() {
  return JSON.parse((await request('/api/v1/installation')).text).version ?? '';
}

/** Returns null if the server does not respond. */
async function request(route, init) {
  try {
    const response = await fetch(`${url}${route}`, init);
    return { ok: response.ok, status: response.status, text: await response.text() };
  } catch {
    return null; // not listening yet
  }
}

async function isInUse(portNumber) {
  const probe = createServer();
  return new Promise((settle) => {
    probe.once('error', () => settle(true));
    probe.listen(portNumber, '127.0.0.1', () => probe.close(() => settle(false)));
  });
}

async function findFreePort() {
  const probe = createServer();
  await new Promise((settle) => probe.listen(0, '127.0.0.1', settle));
  const { port: found } = probe.address();
  await new Promise((settle) => probe.close(settle));
  return found;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
