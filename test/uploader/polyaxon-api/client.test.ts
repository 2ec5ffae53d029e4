import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { V1StatusCondition } from '../../../src/polyaxon/api-types.js';
import { PolyaxonClient } from '../../../uploader/polyaxon-api/client.js';
import type { RunRef } from '../../../uploader/polyaxon-api/types.js';
import { describeWithPeers } from '../../support/peers.js';
import { type PolyaxonServer, startSandbox } from '../../support/polyaxon.js';
import { connectTo } from '../support/polyaxon-client.js';

const CREATED_AT = '2026-01-02T03:04:05.100000+00:00';
let runs = 0;

function newRef(project = 'demo'): RunRef {
  runs += 1;
  return { owner: 'default', project, uuid: runs.toString(16).padStart(32, 'c') };
}

function toBody({ uuid }: RunRef) {
  return { uuid, name: 'a-run', kind: 'job', is_managed: false, managed_by: 'user', created_at: CREATED_AT };
}

function toCondition(type: V1StatusCondition['type']): V1StatusCondition {
  return {
    ...{ type, status: true, reason: 'Test', message: `it is ${type}` },
    last_update_time: CREATED_AT,
    last_transition_time: CREATED_AT,
  };
}

async function readAll(bytes: AsyncIterable<Uint8Array> | null): Promise<string | null> {
  if (bytes === null) return null;
  const pieces = [];
  for await (const piece of bytes) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

describeWithPeers(['polyaxon'], 'PolyaxonClient on the real server', () => {
  let server: PolyaxonServer;
  let client: PolyaxonClient;

  beforeAll(async () => {
    server = await startSandbox();
    client = new PolyaxonClient({ connection: await connectTo(server.url) });
    await client.createProject('default', 'demo');
  });
  afterAll(() => client.close());

  it('gets the version of the server', async () => {
    expect(await client.installation()).toMatchObject({ version: '2.16.1', dist: 'ce', mode: 'sandbox' });
  });

  it('finds a project, and rejects its second creation', async () => {
    expect(await client.findProject('default', 'demo')).toMatchObject({ name: 'demo' });
    expect(await client.findProject('default', 'none')).toBeNull();
    await expect(client.createProject('default', 'demo')).rejects.toMatchObject({
      code: 'ERR_API_INVALID',
      httpStatus: 400,
      isRetryable: false,
      fields: { name: ['project with this name already exists.'] },
    });
  });

  it('creates a run with its uuid, and rejects its second creation', async () => {
    const ref = newRef();

    expect(await client.getRun(ref)).toBeNull();
    expect(await client.syncRun(ref, { ...toBody(ref), tags: [], inputs: {} })).toMatchObject({
      uuid: ref.uuid,
      status: 'created',
    });
    expect(await client.getRun(ref)).toMatchObject({ uuid: ref.uuid, name: 'a-run', project: 'demo' });
    await expect(client.syncRun(ref, toBody(ref))).rejects.toMatchObject({
      code: 'ERR_API_INVALID',
      message: expect.stringContaining('already exists'),
    });
  });

  it('distinguishes a missing project from a missing run if the server does', async () => {
    const ref = newRef('none');

    await expect(client.syncRun(ref, toBody(ref))).rejects.toMatchObject({
      code: 'ERR_API_PROJECT_MISSING',
      httpStatus: 404,
    });
    expect(await client.getRun(ref)).toBeNull();
    await expect(client.postStatus(newRef(), toCondition('running'))).rejects.toMatchObject({
      code: 'ERR_API_RUN_MISSING',
    });
    await expect(client.patchRun(newRef(), { name: 'x' })).rejects.toMatchObject({
      code: 'ERR_API_RUN_MISSING',
    });
  });

  it('merges fields, never sends an empty field, and names a rejected field', async () => {
    const ref = newRef();
    await client.syncRun(ref, toBody(ref));

    await client.patchRun(ref, { inputs: { a: 1 }, tags: ['x'], merge: true });
    await client.patchRun(ref, { inputs: {}, outputs: { loss: Number.NaN }, tags: [], merge: true });
    const patched = await client.patchRun(ref, { inputs: { b: 2 }, tags: ['y'], readme: '# r', merge: true });

    expect(patched).toMatchObject({ inputs: { a: 1, b: 2 }, outputs: { loss: null }, readme: '# r' });
    expect([...(patched?.tags ?? [])].sort()).toEqual(['x', 'y']);
    expect(await client.patchRun(ref, { inputs: {}, tags: [], merge: true })).toBeNull();
    await expect(client.patchRun(ref, { name: 'a b' })).rejects.toMatchObject({
      code: 'ERR_API_INVALID',
      fields: { name: [expect.stringContaining('slug')] },
    });
  });

  it('adds conditions and returns them in order', async () => {
    const ref = newRef();
    await client.syncRun(ref, toBody(ref));

    expect(await client.getStatuses(ref)).toEqual({ status: 'created', conditions: [] });
    await client.postStatus(ref, toCondition('running'));
    await client.postStatus(ref, toCondition('succeeded'));
    await client.postStatus(ref, toCondition('running'));

    const { status, conditions } = await client.getStatuses(ref);
    expect(status).toBe('succeeded');
    expect(conditions.map(({ type }) => type)).toEqual(['running', 'succeeded']);
    await client.postStatus(ref, toCondition('failed'), { force: true });
    expect((await client.getStatuses(ref)).status).toBe('failed');
  });

  it('adds and changes lineage, and reads more than one page', async () => {
    const ref = newRef();
    await client.syncRun(ref, toBody(ref));
    const artifacts = Array.from({ length: 230 }, (_, index) => ({
      ...{ name: `metric-${index}`, kind: 'metric', path: `events/metric/${index}.plx`, is_input: false },
      summary: { is_event: true, step: { count: index } },
    }));

    await client.postLineage(ref, []);
    await client.postLineage(ref, artifacts);
    await client.postLineage(ref, [{ ...artifacts[0]!, summary: { is_event: true, changed: 1 } }]);

    const found = await client.getLineage(ref);
    expect(found.map(({ name }) => name).sort()).toEqual(artifacts.map(({ name }) => name).sort());
    expect(found.find(({ name }) => name === 'metric-0')?.summary).toEqual({ is_event: true, changed: 1 });
    await expect(client.postLineage(ref, [{ ...artifacts[0]!, kind: 'nonsense' }])).rejects.toMatchObject({
      code: 'ERR_API_INVALID',
    });
  });

  it('writes, lists, reads and removes artifacts', async () => {
    const ref = newRef();
    const path = 'outputs/a dir/file.txt';

    expect(await client.getTree(ref, '')).toBeNull();
    expect(await client.readArtifact(ref, path)).toBeNull();
    await client.uploadArtifact(ref, path, Buffer.from('one'));
    expect(await readAll(await client.readArtifact(ref, path))).toBe('one');
    const chunks = async function* () {
      yield Buffer.from('two, ');
      yield Buffer.from('in pieces');
    };
    await client.uploadArtifact(ref, path, { sizeBytes: 14, chunks });
    expect(await readAll(await client.readArtifact(ref, path))).toBe('two, in pieces');
    expect(await client.getTree(ref, '')).toEqual({ files: {}, directories: ['outputs'] });
    expect(await client.getTree(ref, 'outputs/a dir')).toEqual({
      files: { 'file.txt': 14 },
      directories: [],
    });
    expect(await client.deleteArtifact(ref, path)).toBe(true);
    expect(await client.deleteArtifact(ref, path)).toBe(false);
    expect(await client.readArtifact(ref, path)).toBeNull();
  });

  it('rejects with the reason of an aborted signal', async () => {
    const reason = new Error('enough');

    await expect(client.installation({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('a client without a server', () => {
  it('throws a retryable error', async () => {
    const client = new PolyaxonClient({ connection: await connectTo('http://127.0.0.1:9') });

    await expect(client.installation()).rejects.toMatchObject({
      code: 'ERR_API_UNREACHABLE',
      isRetryable: true,
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });
});
