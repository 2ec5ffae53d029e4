/** Syncs a run with all calls to a real server, and compares the served values with the logged ones. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { EXPECTED_EVENTS } from '../polyaxon/expected-events.js';
import { createCalls, type LoggedRun, logAll, UUID } from '../polyaxon/log-all.js';
import { ServedRun, toRows, toServed } from '../polyaxon/served-run.js';
import { type CliResult, runCli } from '../support/cli.js';
import { describeWithPeers } from '../support/peers.js';
import { type PolyaxonServer, startSandbox } from '../support/polyaxon.js';
import { readLineage, readRunFile } from '../support/read-run.js';
import { createSharedTempDir } from '../support/temp-dir.js';

const PLACE = { owner: 'default', project: 'demo', uuid: UUID };

interface LineageEntry {
  readonly name: string;
  readonly kind: string;
  readonly path: string | null;
  readonly is_input: boolean;
  readonly summary: Record<string, unknown>;
}

describeWithPeers(['polyaxon'], 'a run on the server', () => {
  let run: LoggedRun;
  let server: PolyaxonServer;
  let served: ServedRun;
  let synced: CliResult;

  async function sync(): Promise<CliResult> {
    const store = `polyaxon://${new URL(server.url).host}/default/demo`;
    return runCli('sync', run.root, '--store', store, '--state-dir', stateDirectory, '--json');
  }

  const stateDirectory = createSharedTempDir();

  beforeAll(async () => {
    server = await startSandbox();
    await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
    served = new ServedRun(server, PLACE, { force: true });
    // Write event files only, as in an unmanaged run: the uploader exports them.
    run = await logAll(createCalls(), {
      owner: 'default',
      formats: ['tensorboard'],
      trackLogs: true,
      collectResources: true,
    });
    synced = await sync();
  });

  it('is synced by one command', () => {
    // A busy server answers that its database is locked; such requests are repeated.
    const lines = synced.stderr.split('\n').filter((line) => !/405\b.*; retrying in/.test(line));
    expect(lines).toEqual(['']);
    expect(synced.code, synced.stdout).toBe(0);
  });

  it('has the data of its run file', async () => {
    const written = readRunFile(run.directory);
    const found = (await server.get(served.api)) as Record<string, unknown>;

    for (const field of ['uuid', 'name', 'description', 'readme', 'status', 'inputs'] as const)
      expect(found[field], field).toEqual(written[field]);
    const { polytrack_origin, ...meta } = found.meta_info as Record<string, unknown>;
    expect(meta).toEqual(written.meta_info);
    expect(polytrack_origin).toMatchObject({ directory: run.directory });
    expect([...(found.tags as string[])].sort()).toEqual([...(written.tags as string[])].sort());
    expect(found.outputs).toMatchObject(written.outputs as object);
    expect(found.started_at).toBeTruthy();
    expect(found.finished_at).toBeTruthy();
  });

  it('has its statuses in order, and the last one once', async () => {
    const { status, status_conditions: found } = (await server.get(`${served.api}/statuses`)) as {
      status: string;
      status_conditions: { type: string; reason: string }[];
    };
    const written = readRunFile(run.directory).status_conditions;

    expect(status).toBe('succeeded');
    expect(found.filter(({ type }) => type === 'succeeded')).toHaveLength(1);
    const types = found.map(({ type }) => type);
    expect(types.at(-1)).toBe('succeeded');
    const expected = written.map(({ type }) => type).filter((type) => type !== 'created');
    expect(types.filter((type) => type !== 'created')).toEqual(expected);
  });

  it('has its lineage, including that of its events', async () => {
    const { results, count } = (await server.get(`${served.api}/lineage/artifacts`, { limit: 1000 })) as {
      results: LineageEntry[];
      count: number;
    };

    expect(results).toHaveLength(count);
    const byName = new Map(results.map((entry) => [entry.name, entry]));
    expect(byName.size).toBe(count);
    for (const written of readLineage(run.directory) as LineageEntry[])
      expect(byName.get(written.name), written.name).toMatchObject({
        kind: written.kind,
        path: written.path ?? null,
        is_input: written.is_input,
      });
    for (const key of Object.keys(EXPECTED_EVENTS)) {
      const [kind = '', name = ''] = key.split('/');
      expect(byName.get(name), key).toMatchObject({ kind, path: `events/${kind}/${name}.plx` });
    }
  });

  it.each(Object.entries(EXPECTED_EVENTS))('serves %s as it was logged', async (key, expected) => {
    const [kind = '', name = ''] = key.split('/');

    const [events] = await served.events(`events/${kind}`, { names: name });

    expect(events).toMatchObject({ name, kind });
    expect(toRows(events!)).toEqual(expected.map(toServed));
  });

  it('serves every file of the run with the same bytes', async () => {
    const files = await served.files();
    const paths = new Set(files.map(([path]) => path));

    for (const path of ['run.plx.json', 'lineages.plx.json', 'outputs/env.json'])
      expect(paths, path).toContain(path);
    let compared = 0;
    for (const [path, sizeBytes] of files) {
      if (/^(events|resources|assets)\//.test(path) || path.startsWith('.plx/')) continue;
      const written = readFileSync(join(run.directory, path));
      expect(sizeBytes, path).toBe(written.length);
      expect((await served.bytes(path)).equals(written), path).toBe(true);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(5);
  });

  it('serves the assets of its events', async () => {
    const paths = new Set((await served.files('assets')).map(([path]) => path));
    const named = Object.values(EXPECTED_EVENTS)
      .flat()
      .flatMap(({ value }) =>
        typeof value === 'object' && value !== null && 'path' in value ? [String(value.path)] : [],
      );

    expect(named.length).toBeGreaterThan(3);
    for (const path of named) expect(paths, path).toContain(path);
  });

  it('serves the system metrics', async () => {
    const resources = await served.events('resources');

    expect(resources.map(({ name }) => name)).toEqual(expect.arrayContaining(['cpu', 'memory']));
    for (const { kind, data } of resources) {
      expect(kind).toBe('metric');
      expect(data.metric?.every((value) => typeof value === 'number')).toBe(true);
    }
  });

  it('is not changed by a second sync', async () => {
    const before = { run: await server.get(served.api), files: await served.files() };

    const again = await sync();

    expect(again.code, again.stdout).toBe(0);
    expect(await server.get(served.api)).toEqual(before.run);
    expect(await served.files()).toEqual(before.files);
  });
});
