/** Inputs that Python's client reads from its environment, and their effect in polytrack: variables, cached files, locale, time zone. */

import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveRunEnvironment } from '../../src/run/run-environment.js';
import { readPlx, readPlxValues } from '../support/polyaxon-run.js';
import { readLineage, readRunFile } from '../support/read-run.js';
import { runProgram } from '../support/run-program.js';
import { startRun } from '../support/start-run.js';
import { createSharedTempDir, createTempDir } from '../support/temp-dir.js';

const OTHER_UUID = 'fedcba9876543210fedcba9876543210';

describe('a program in an environment that configures the Python client', () => {
  const requests: string[] = [];
  let server: Server;
  let cwd: string;
  let run: string;
  let printed: { stdout: string; stderr: string };

  beforeAll(async () => {
    server = createServer(({ url }, response) => {
      requests.push(String(url));
      response.writeHead(500).end();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    cwd = createSharedTempDir();
    writeCache(cwd);
    const home = join(cwd, 'home');
    writeCache(home);

    printed = await runProgram(
      `const run = new Run({ formats: ['polyaxon'] });
       run.logMetric('größe', 1, { timestamp: '2024-01-02T03:04:05.5' });
       run.logText('note', 'héllo 日本');
       run.logHtml('page', '<b>é</b>');
       run.logCurve('curve', { x: [0], y: [1], annotation: 'größe' });
       run.logInputs({ city: 'Zürich' });
       run.logMeta({ note: process.env.POLYAXON_AUTH_TOKEN });
       console.log('grüße', process.env.POLYAXON_AUTH_TOKEN);`,
      { cwd, env: { ...serverVariables(host), ...otherVariables(home), HOME: home } },
    );

    const [uuid = ''] = readdirSync(join(cwd, 'plx-runs/runs'));
    run = join(cwd, 'plx-runs/runs', uuid);
  });

  afterAll(() => {
    server.close();
  });

  it('sends no requests to a server', () => {
    expect(readRunFile(run)).toMatchObject({ status: 'succeeded', outputs: { größe: 1 } });
    expect(requests).toEqual([]);
  });

  it('prints only warnings in addition to the program’s output', () => {
    expect(printed.stdout).toBe('grüße secret-token-of-the-user\n');
    expect(printed.stderr.match(/\[\w+\]/g)).toEqual(['[WARN_SECRET_MASKED]']);
  });

  it('creates a new run below the working directory, and ignores the run and project that the command line has cached', () => {
    const record = readRunFile(run);

    expect(record.uuid).not.toBe(OTHER_UUID);
    expect(record).not.toHaveProperty('project');
    expect(readdirSync(cwd).sort()).toEqual(['.polyaxon', 'home', 'plx-runs', 'plx-runs-tensorboard']);
  });

  it('writes UTF-8 in any locale', () => {
    expect(readPlxValues(run, 'text', 'note')).toEqual(['héllo 日本']);
    expect(readPlxValues(run, 'html', 'page')).toEqual(['<b>é</b>']);
    expect(readPlxValues(run, 'curve', 'curve')).toMatchObject([{ annotation: 'größe' }]);
    expect(readRunFile(run).inputs).toEqual({ city: 'Zürich' });
    expect(readFileSync(join(run, 'plxlogs/logs.jsonl'), 'utf8')).toContain('"value":"grüße ');
  });

  it('writes times in UTC in any time zone', () => {
    expect(readPlx(run, 'metric', 'größe').map(({ timestamp }) => timestamp)).toEqual([
      '2024-01-02 03:04:05.500000+00:00',
    ]);
    expect(readRunFile(run).created_at).toMatch(/\+00:00$/);
    expect(Math.abs(Date.parse(readRunFile(run).created_at) - Date.now())).toBeLessThan(600_000);
  });

  it('writes no credentials from variables to any file', () => {
    const texts = readdirSync(run, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));

    expect(texts.length).toBeGreaterThan(5);
    expect(texts.filter((text) => text.includes('secret-token-of-the-user'))).toEqual([]);
  });
});

describe('Polyaxon’s environment variables', () => {
  it.each([
    ['POLYAXON_COLLECT_ARTIFACTS', 'collectsEvents'],
    ['POLYAXON_COLLECT_RESOURCES', 'collectsResources'],
  ] as const)('control what is collected when no option is set: %s', (name, what) => {
    expect(resolveRunEnvironment({}, { [name]: 'false' })[what]).toBe(false);
    expect(resolveRunEnvironment({}, { [name]: '1' })[what]).toBe(true);
  });

  it('accept the same values as in Polyaxon', () => {
    const isNoOp = (text: string) => resolveRunEnvironment({}, { POLYAXON_NO_OP: text }).mode === 'no-op';

    expect(['y', 'YES', 't', 'True', 'on', '1'].map(isNoOp)).toEqual(Array(6).fill(true));
    expect(['n', 'NO', 'f', 'False', 'off', '0', ''].map(isNoOp)).toEqual(Array(7).fill(false));
  });
});

describe('artifactsPath', () => {
  it('is the directory of the run, with any name', async () => {
    const artifactsPath = join(createTempDir(), 'my run');
    const { run } = startRun({ artifactsPath, formats: ['polyaxon'] });

    run.logMetric('loss', 1);
    await run.end();

    expect(readRunFile(artifactsPath)).toMatchObject({ uuid: run.uuid, status: 'succeeded' });
    expect(readLineage(artifactsPath)).toContainEqual(
      expect.objectContaining({ name: 'loss', path: 'events/metric/loss.plx' }),
    );
    expect(existsSync(join(artifactsPath, 'events/metric/loss.plx'))).toBe(true);
  });
});

/** Writes the files in which the command line caches the last project and run. Source: polyaxon 2.16, `_managers/project.py` and `run.py`. */
function writeCache(directory: string): void {
  mkdirSync(join(directory, '.polyaxon'), { recursive: true });
  writeFileSync(join(directory, '.polyaxon/.project'), JSON.stringify({ owner: 'acme', name: 'cached' }));
  writeFileSync(join(directory, '.polyaxon/.run'), JSON.stringify({ uuid: OTHER_UUID, name: 'cached' }));
}

/** Variables for the server, its credentials and the connection. */
function serverVariables(host: string): NodeJS.ProcessEnv {
  return {
    POLYAXON_HOST: host,
    POLYAXON_API_VERSION: 'v1',
    POLYAXON_AUTH_TOKEN: 'secret-token-of-the-user',
    POLYAXON_AUTH_USERNAME: 'alice',
    POLYAXON_AUTHENTICATION_TYPE: 'Token',
    POLYAXON_HEADER: 'X-Polyaxon-Service',
    POLYAXON_HEADER_SERVICE: 'runner',
    POLYAXON_VERIFY_SSL: 'true',
    POLYAXON_SSL_CA_CERT: '/none/ca.pem',
    POLYAXON_CERT_FILE: '/none/cert.pem',
    POLYAXON_KEY_FILE: '/none/key.pem',
    POLYAXON_ASSERT_HOSTNAME: 'true',
    POLYAXON_CONNECTION_POOL_MAXSIZE: '1',
    POLYAXON_RETRIES: '3',
    POLYAXON_TIMEOUT: '1',
    POLYAXON_TRACKING_TIMEOUT: '600',
    POLYAXON_INTERVAL: '1',
    POLYAXON_WATCH_INTERVAL: '1',
    POLYAXON_UPLOAD_SIZE: '1',
    POLYAXON_UPLOAD_SIZE_MAX: '1',
    POLYAXON_NO_API: 'false',
    POLYAXON_HAS_PROCESS_SIDECAR: '1',
    POLYAXON_INTERVALS_COMPATIBILITY_CHECK: '1',
    POLYAXON_DISABLE_ERRORS_REPORTING: 'false',
  };
}

function otherVariables(home: string): NodeJS.ProcessEnv {
  return {
    POLYAXON_NO_CONFIG: 'false',
    POLYAXON_DEBUG: 'true',
    POLYAXON_TIME_ZONE: 'Asia/Tokyo',
    POLYAXON_K8S_NAMESPACE: 'elsewhere',
    POLYAXON_CONTAINER_ID: 'abc',
    POLYAXON_HOME: home,
    POLYAXON_ARTIFACTS_ROOT: join(home, 'artifacts'),
    POLYAXON_ARCHIVES_ROOT: join(home, 'archives'),
    TZ: 'Asia/Tokyo',
    LC_ALL: 'C',
    LANG: 'C',
  };
}
