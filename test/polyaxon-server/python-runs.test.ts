/** polytrack uploads offline runs of Python's client, and Python's client those of polytrack. The server has the same data. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCalls, logAll, UUID } from '../polyaxon/log-all.js';
import { logTheirs } from '../polyaxon/log-theirs.js';
import { ServedRun } from '../polyaxon/served-run.js';
import { runCli } from '../support/cli.js';
import { describeWithPeers } from '../support/peers.js';
import { type PolyaxonServer, runPolyaxonPython, startSandbox } from '../support/polyaxon.js';
import { readLineage, readRunFile } from '../support/read-run.js';
import { createSharedTempDir } from '../support/temp-dir.js';

const PUSH = new URL('push_offline.py', import.meta.url).pathname;
const PLACE = { owner: 'acme', project: 'demo', uuid: UUID };

async function startServer(): Promise<PolyaxonServer> {
  const server = await startSandbox();
  await server.send('POST', '/api/v1/acme/projects/create', { name: 'demo' });
  return server;
}

/**
 * Pushes a run to a new server with Python's client. The server answers 405 when another of its threads locks its database; the client gives
 * up then, and cannot push the same run again, so the next attempt has a new server.
 */
async function pushWithPython(directory: string): Promise<PolyaxonServer> {
  for (let attempt = 1; ; attempt += 1) {
    const server = await startServer();
    try {
      await runPolyaxonPython(PUSH, ['demo', directory], { env: { POLYAXON_HOST: server.url } });
      return server;
    } catch (error) {
      if (attempt === 5 || !String(error).includes('Status: 405')) throw error;
    }
  }
}

/** Expects the server to return the run, its lineage and every file as they are stored on disk. */
async function expectEqual(server: PolyaxonServer, directory: string): Promise<void> {
  const served = new ServedRun(server, PLACE, { force: true });
  const written = readRunFile(directory);
  const found = (await server.get(served.api)) as Record<string, unknown>;
  for (const field of ['uuid', 'name', 'description', 'status', 'inputs', 'outputs'] as const)
    expect(found[field], field).toEqual(written[field] ?? null);
  // Only polytrack records where a run comes from.
  const { polytrack_origin: _, ...meta } = found.meta_info as Record<string, unknown>;
  expect(meta).toEqual(written.meta_info);
  expect([...(found.tags as string[])].sort()).toEqual([...(written.tags ?? [])].sort());

  const { results } = (await server.get(`${served.api}/lineage/artifacts`, { limit: 1000 })) as {
    results: { name: string; kind: string; path: string; summary: unknown; is_input: boolean }[];
  };
  const byName = new Map(results.map((entry) => [entry.name, entry]));
  for (const { name, kind, path, summary } of readLineage(directory))
    expect(byName.get(name), name).toMatchObject({ kind, path: path ?? null, summary });

  let compared = 0;
  for (const [path, sizeBytes] of await served.files()) {
    if (!existsSync(join(directory, path))) continue;
    const bytes = readFileSync(join(directory, path));
    expect(sizeBytes, path).toBe(bytes.length);
    expect((await served.bytes(path)).equals(bytes), path).toBe(true);
    compared += 1;
  }
  expect(compared).toBeGreaterThan(80);
  for (const kind of readdirSync(join(directory, 'events'))) {
    const names = readdirSync(join(directory, 'events', kind)).map((file) => file.replace(/\.plx$/, ''));
    const events = await served.events(`events/${kind}`, { names: names.join(','), orient: 'csv' });
    expect(events.map(({ name }) => name).sort(), kind).toEqual(names.sort());
  }
}

describeWithPeers(['polyaxon'], 'offline runs on the server', () => {
  describe("written by Python's client, synced by polytrack", () => {
    let server: PolyaxonServer;
    let directory: string;

    beforeAll(async () => {
      server = await startServer();
      const run = await logTheirs(createCalls());
      directory = run.directory;
      const store = `polyaxon://${new URL(server.url).host}`;
      const { code, stdout, stderr } = await runCli(
        ...['sync', run.root, '--store', store, '--state-dir', createSharedTempDir()],
      );
      expect(code, stdout + stderr).toBe(0);
    });

    it('have the same data', () => expectEqual(server, directory));
  });

  describe("written by polytrack, pushed by Python's client", () => {
    let server: PolyaxonServer;
    let directory: string;

    beforeAll(async () => {
      directory = (await logAll(createCalls())).directory;
      server = await pushWithPython(directory);
    });

    it('have the same data', () => expectEqual(server, directory));
  });
});
