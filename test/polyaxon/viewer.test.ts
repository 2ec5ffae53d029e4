/** Polyaxon's viewer lists runs of polytrack, and serves every event, file, log line and system metric as it was logged. */

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { spawnScript } from '../support/child-script.js';
import { describeWithPeers } from '../support/peers.js';
import { type PolyaxonServer, startViewer } from '../support/polyaxon.js';
import { readLineage, readRunFile } from '../support/read-run.js';
import { EXPECTED_EVENTS } from './expected-events.js';
import { createCalls, type LoggedRun, logAll, UUID } from './log-all.js';
import { type LogLine, type ServedEvents, ServedRun, toRows, toServed } from './served-run.js';

const PRINTING_UUID = '0123456789abcdef0123456789abcdef';
const PRINTED = ['epoch 1', 'loss 0.5 | é "quoted"', 'a warning'];
const PLACE = { owner: 'acme', project: 'demo', uuid: UUID };
const API = '/api/v1/acme/demo/runs';
const STREAMS = `/streams/v1/polyaxon/acme/demo/runs/${UUID}`;

/** Runs a process that prints, like a training program. */
async function runPrinting(root: string): Promise<void> {
  const child = spawnScript(
    'Run',
    `
    const run = new Run({ uuid: '${PRINTING_UUID}', name: 'printing', project: 'acme/demo', formats: ['polyaxon'], trackCode: false });
    console.log(${JSON.stringify(PRINTED[0])});
    console.log(${JSON.stringify(PRINTED[1])});
    console.error(${JSON.stringify(PRINTED[2])});
    await run.end();
    `,
    { POLYAXON_OFFLINE_ROOT: root },
  );
  child.stdout?.resume();
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
}

describeWithPeers(['polyaxon'], "runs in Polyaxon's viewer", () => {
  let run: LoggedRun;
  let viewer: PolyaxonServer;

  beforeAll(async () => {
    run = await logAll(createCalls());
    await runPrinting(run.root);
    viewer = await startViewer(run.root);
  });

  const served = (route: string, query: Record<string, string> = {}): Promise<ServedEvents[]> =>
    new ServedRun(viewer, PLACE, { force: false }).events(route, query);

  it('lists the runs', async () => {
    const { results, count } = (await viewer.get(`${API}/`)) as {
      results: { uuid: string }[];
      count: number;
    };

    expect(count).toBe(2);
    expect(results.map(({ uuid }) => uuid).sort()).toEqual([PRINTING_UUID, UUID]);
    expect(results.find(({ uuid }) => uuid === UUID)).toEqual(readRunFile(run.directory));
  });

  it('serves a run, its statuses and its lineage', async () => {
    const written = readRunFile(run.directory);

    expect(await viewer.get(`${API}/${UUID}/`)).toEqual(written);
    expect(await viewer.get(`${API}/${UUID}/statuses`)).toMatchObject({
      status: 'succeeded',
      status_conditions: written.status_conditions,
    });
    expect(await viewer.get(`${API}/${UUID}/lineage/artifacts`)).toEqual({
      results: readLineage(run.directory),
    });
    expect((await viewer.fetch(`${API}/${'0'.repeat(32)}/`)).status).toBe(404);
  });

  describe('events', () => {
    it.each(Object.entries(EXPECTED_EVENTS))('serves %s as it was logged', async (key, expected) => {
      const [kind = '', name = ''] = key.split('/');

      const [events] = await served(`events/${kind}`, { names: name });

      expect(events).toMatchObject({ name, kind });
      expect(toRows(events!)).toEqual(expected.map(toServed));
    });

    it('serves every event file, also several at once, as rows and as text', async () => {
      for (const kind of readdirSync(join(run.directory, 'events'))) {
        const names = readdirSync(join(run.directory, 'events', kind)).map((file) =>
          file.replace(/\.plx$/, ''),
        );
        const query = { names: names.join(',') };
        const [rows, texts] = [
          await served(`events/${kind}`, query),
          await served(`events/${kind}`, { ...query, orient: 'csv' }),
        ];

        expect(rows.map(({ name }) => name).sort(), kind).toEqual(names.sort());
        for (const { name, data } of texts) {
          const written = readFileSync(join(run.directory, 'events', kind, `${name}.plx`), 'utf8');
          expect(data, `${kind}/${name}`).toBe(written);
          const recordCount = written.split('\n').length - 1;
          expect(rows.find((events) => events.name === name)?.data.step, `${kind}/${name}`).toHaveLength(
            recordCount,
          );
        }
      }
    });

    it('serves several runs at once', async () => {
      const { data } = (await viewer.get('/streams/v1/polyaxon/acme/demo/runs/multi/events/metric', {
        runs: `${UUID},${PRINTING_UUID}`,
        names: 'train__loss',
      })) as { data: Record<string, ServedEvents[]> };

      expect(data[UUID]).toEqual(await served('events/metric', { names: 'train__loss' }));
      expect(data[PRINTING_UUID]).toEqual([]);
    });

    it('serves an archive of the assets of events', async () => {
      const packed = await viewer.getBytes(`${STREAMS}/events/image`, { names: 'rgb', pkg_assets: true });

      expect(gunzipSync(packed).toString('latin1')).toContain('assets/image/rgb_1.png');
    });
  });

  it('serves the file tree, and each file', async () => {
    const files = await new ServedRun(viewer, PLACE, { force: false }).files();

    expect(files.length).toBeGreaterThan(80);
    for (const [path, sizeBytes] of files) {
      const written = readFileSync(join(run.directory, path));
      expect(written.length, path).toBe(sizeBytes);
      const bytes = await viewer.getBytes(`${STREAMS}/artifact`, { path, stream: true });
      expect(Buffer.from(bytes).equals(written), path).toBe(true);
    }
    const onDisk = readdirSync(run.directory, { recursive: true, withFileTypes: true });
    expect(files.length).toBe(onDisk.filter((entry) => entry.isFile()).length);
  });

  it('serves the logs', async () => {
    const { logs } = (await viewer.get(`${STREAMS.replace(UUID, PRINTING_UUID)}/logs`)) as {
      logs: LogLine[];
    };

    expect(logs.map(({ value }) => value)).toEqual(PRINTED);
    for (const line of logs) {
      expect(line).toEqual({
        value: expect.any(String),
        timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/),
        node: 'local',
        pod: expect.any(String),
        container: expect.any(String),
      });
    }
  });

  it('serves all or selected system metrics', async () => {
    const all = await served('resources');

    expect(all.map(({ name }) => name)).toEqual(expect.arrayContaining(['cpu', 'load', 'memory']));
    for (const { kind, data } of all) {
      expect(kind).toBe('metric');
      expect(data.metric?.every((value) => typeof value === 'number')).toBe(true);
      expect(data.step?.every((value) => value === null)).toBe(true);
    }
    const some = await served('resources', { names: 'cpu,memory' });
    expect(some.map(({ name }) => name).sort()).toEqual(['cpu', 'memory']);
  });
});
