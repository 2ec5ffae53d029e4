/** Every argument of Python's methods for files and for the lineage. */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { RefOptions, Run, RunArtifact } from '../../src/index.js';
import { logForPolyaxon, readAsset, readPlx, readPlxValues } from '../support/polyaxon-run.js';
import { readLineage, readRunFile } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

function write(name: string, content: string): string {
  const path = join(createTempDir(), name);
  writeFileSync(path, content);
  return path;
}

function writeDirectory(): string {
  const path = join(createTempDir(), 'images');
  mkdirSync(path);
  writeFileSync(join(path, 'a.png'), 'a');
  return path;
}

/** Returns the single entry that a call adds to the lineage of a run. */
async function refer(call: (run: Run) => Promise<unknown>): Promise<RunArtifact> {
  const { run } = startRun();
  await call(run);
  await run.end();
  const added = readLineage(run.paths.run).filter(({ name }) => name !== 'tensorboard');
  expect(added).toHaveLength(1);
  return added[0]!;
}

type Ref = (run: Run, options: RefOptions) => Promise<void>;

const PATH = '/data/rows.v1.csv';

/** The methods that accept all options. The file need not exist if it is not read. */
const REFS: Readonly<Record<string, Ref>> = {
  logArtifactRef: (run, options) => run.logArtifactRef(PATH, 'csv', options),
  logFileRef: (run, options) => run.logFileRef(PATH, options),
  logDirRef: (run, options) => run.logDirRef(PATH, options),
  logModelRef: (run, options) => run.logModelRef(PATH, options),
  logDataRef: (run, { name = 'rows', ...options }) => run.logDataRef(name, { ...options, path: PATH }),
};

const METHODS = Object.entries(REFS);
const KINDS = {
  logArtifactRef: 'csv',
  logFileRef: 'file',
  logDirRef: 'dir',
  logModelRef: 'model',
  logDataRef: 'data',
};

describe('references', () => {
  it.each(METHODS)(
    'have the kind of the method, the given path, and a name derived from it: %s',
    async (method, log) => {
      expect(await refer((run) => log(run, { skipHash: true }))).toEqual({
        name: method === 'logDirRef' ? 'rows-v1-csv' : 'rows',
        kind: KINDS[method as keyof typeof KINDS],
        path: PATH,
        summary: { path: PATH },
        is_input: method === 'logDataRef',
      });
    },
  );

  it.each(METHODS)('have the given name, converted to Polyaxon’s: %s', async (_method, log) => {
    expect(await refer((run) => log(run, { name: 'my rows/1', skipHash: true }))).toMatchObject({
      name: 'my-rows__1',
    });
  });

  it.each(METHODS)('have the given hash without reading the file: %s', async (_method, log) => {
    expect((await refer((run) => log(run, { hash: 'abc' }))).summary).toEqual({ path: PATH, hash: 'abc' });
  });

  it.each(METHODS)('have the hash of the given content: %s', async (_method, log) => {
    expect((await refer((run) => log(run, { content: { a: [1] } }))).summary).toEqual({
      path: PATH,
      hash: sha256('{"a":[1]}'),
    });
  });

  it.each(METHODS)('have the given summary: %s', async (_method, log) => {
    expect((await refer((run) => log(run, { summary: { rows: 3 }, skipHash: true }))).summary).toEqual({
      rows: 3,
      path: PATH,
    });
  });

  it.each(METHODS)('are inputs or outputs of the run, as given: %s', async (_method, log) => {
    for (const isInput of [true, false]) {
      expect(await refer((run) => log(run, { isInput, skipHash: true }))).toMatchObject({
        is_input: isInput,
      });
    }
  });

  it.each(METHODS)('have the given path in the lineage: %s', async (_method, log) => {
    expect(await refer((run) => log(run, { relPath: 'outputs/rows.csv', skipHash: true }))).toMatchObject({
      path: 'outputs/rows.csv',
      summary: { path: PATH },
    });
  });

  it('have the hash of the file or of all files of a directory, unless skipHash is set', async () => {
    const file = write('rows.csv', 'a,b');
    const directory = writeDirectory();
    const hashOf = async (call: (run: Run) => Promise<unknown>) => (await refer(call)).summary.hash;

    const hash = sha256('a,b');
    expect(await hashOf((run) => run.logArtifactRef(file, 'csv'))).toBe(hash);
    expect(await hashOf((run) => run.logFileRef(file))).toBe(hash);
    expect(await hashOf((run) => run.logModelRef(file))).toBe(hash);
    expect(await hashOf((run) => run.logDataRef('rows', { path: file }))).toBe(hash);
    expect(await hashOf((run) => run.logDirRef(directory))).toBe(sha256(`a.png\0${sha256('a')}\n`));
    expect(await hashOf((run) => run.logFileRef(file, { skipHash: true }))).toBeUndefined();
  });

  it('record the framework of a model, and set the has_model flag of the run', async () => {
    const { run } = startRun();
    await run.logModelRef(PATH, { framework: 'onnx', summary: { layers: 3 }, skipHash: true });
    await run.end();

    expect(readLineage(run.paths.run)).toContainEqual(
      expect.objectContaining({ name: 'rows', summary: { framework: 'onnx', layers: 3, path: PATH } }),
    );
    expect(readRunFile(run.paths.run).meta_info).toMatchObject({ has_model: true });
  });

  it('to event files have the given name, path and direction, without reading the files', async () => {
    const refers = (options: Parameters<Run['logTensorboardRef']>[1]) =>
      refer((run) => run.logTensorboardRef('/there/are/none', options));

    expect(await refers({ name: 'old boards', isInput: true, relPath: 'outputs/old' })).toEqual({
      name: 'old-boards',
      kind: 'tensorboard',
      path: 'outputs/old',
      summary: { path: '/there/are/none' },
      is_input: true,
    });
    expect(await refers({ name: 'boards' })).toMatchObject({ path: '/there/are/none', is_input: false });
  });

  it('to data need no path', async () => {
    expect(await refer((run) => run.logDataRef('mnist', { hash: 'abc' }))).toEqual({
      name: 'mnist',
      kind: 'data',
      summary: { hash: 'abc' },
      is_input: true,
    });
  });
});

describe('Run.logCodeRef', () => {
  it('records the given state of the code under its commit', async () => {
    const { run } = startRun();

    run.logCodeRef({ commit: 'abc123', branch: 'main' });
    run.logCodeRef({ branch: 'no commit' });
    run.logCodeRef({ commit: 'def456' }, { isInput: false });

    expect(readLineage(run.paths.run).filter(({ kind }) => kind === 'coderef')).toEqual([
      { name: 'abc123', kind: 'coderef', summary: { commit: 'abc123', branch: 'main' }, is_input: true },
      { name: 'def456', kind: 'coderef', summary: { commit: 'def456' }, is_input: false },
    ]);
    await run.end();
  });
});

describe('Run.logArtifactLineage', () => {
  it('accepts one or several entries, which are on disk when it returns', async () => {
    const { run } = startRun();
    const entry = (name: string): RunArtifact => ({ name, kind: 'file', summary: {}, is_input: false });

    run.logArtifactLineage(entry('a'));
    run.logArtifactLineage([entry('b'), { ...entry('a'), path: 'outputs/a' }]);

    expect(readLineage(run.paths.run).slice(1)).toEqual([{ ...entry('a'), path: 'outputs/a' }, entry('b')]);
    expect(run.getArtifactsLineage()).toEqual(readLineage(run.paths.run));
    await run.end();
  });
});

describe('files', () => {
  it('have the given name, else the file name up to the first dot', async () => {
    const path = write('net.v1.onnx', 'n');
    const namesOf = (call: (run: Run) => Promise<unknown>) => refer(call).then(({ name }) => name);

    expect(await namesOf((run) => run.logArtifact(path))).toBe('net');
    expect(await namesOf((run) => run.logModel(path))).toBe('net');
    expect(await namesOf((run) => run.logArtifact(path, { name: 'my net' }))).toBe('my-net');
    expect(await namesOf((run) => run.logModel(path, { name: 'my net' }))).toBe('my-net');
  });

  it('are copied to outputs, or to the given directory below it', async () => {
    const path = write('net.onnx', 'n');
    const { run } = startRun();

    expect(await run.logModel(path)).toBe(join(run.paths.outputs, 'net.onnx'));
    expect(await run.logModel(path, { relPath: 'models/best' })).toBe(
      join(run.paths.outputs, 'models/best/net.onnx'),
    );
    expect(await run.logArtifact(path, { relPath: 'files' })).toBe(join(run.paths.outputs, 'files/net.onnx'));
    expect(readFileSync(join(run.paths.outputs, 'models/best/net.onnx'), 'utf8')).toBe('n');
    await run.end();
  });

  it('have the given kind and summary', async () => {
    const path = write('net.csv', 'n');
    const summary = { rows: 1 };

    expect(await refer((run) => run.logArtifact(path))).toMatchObject({ kind: 'file' });
    expect(await refer((run) => run.logArtifact(path, { kind: 'csv', summary }))).toMatchObject({
      kind: 'csv',
      summary: { rows: 1, hash: sha256('n'), size_bytes: 1 },
    });
    expect(await refer((run) => run.logModel(path, { framework: 'onnx', summary }))).toMatchObject({
      kind: 'model',
      summary: { rows: 1, framework: 'onnx', hash: sha256('n'), size_bytes: 1 },
    });
  });

  it('reject unknown options, about which Python warns', async () => {
    const path = write('net.onnx', 'n');
    const { run } = startRun();

    const rejected = { code: 'ERR_OPTION_INVALID', hint: expect.stringContaining('kind') };
    // @ts-expect-error The types reject it too.
    await expect(run.logArtifact(path, { artifact_kind: 'csv' })).rejects.toMatchObject(rejected);
    // @ts-expect-error Unknown option, as above.
    await expect(run.logModel(path, { stepCount: 3 })).rejects.toMatchObject({ code: 'ERR_OPTION_INVALID' });
    await run.end();
  });

  it('have no hash when skipHash is set', async () => {
    const path = write('net.onnx', 'n');

    for (const log of ['logArtifact', 'logModel'] as const) {
      const { summary } = await refer((run) => run[log](path, { skipHash: true }));
      expect(summary).toEqual({ path: 'outputs/net.onnx', size_bytes: 1 });
    }
  });

  it('become events of their kind when given a step, with a copy of each version', async () => {
    const path = write('rows.CSV', 'a');
    const directory = await logForPolyaxon(async (run) => {
      await run.logArtifact(path, { name: 'table', kind: 'csv', step: 5 });
      writeFileSync(path, 'b');
      await run.logArtifact(path, { name: 'table', kind: 'csv', step: 6 });
      await run.logModel(path, { name: 'net', framework: 'onnx', summary: { layers: 2 }, step: 6 });
    });

    expect(readPlx(directory, 'csv', 'table')).toMatchObject([
      { step: '5', value: { kind: 'csv', path: 'assets/csv/table_5.csv' } },
      { step: '6', value: { kind: 'csv', path: 'assets/csv/table_6.csv' } },
    ]);
    expect(readPlxValues(directory, 'model', 'net')).toEqual([
      { framework: 'onnx', path: 'assets/model/net_6.csv', spec: { layers: 2 } },
    ]);
    expect(readAsset(directory, 'csv/table_5.csv').toString()).toBe('a');
    expect(readAsset(directory, 'csv/table_6.csv').toString()).toBe('b');
  });
});

describe('paths', () => {
  it('of artifacts are created on request: the parent directory, or the whole path', async () => {
    const { run } = startRun();
    const { paths } = run;

    run.getArtifactsPath('a/file.txt');
    run.getArtifactsPath('b/file.txt', { ensure: true });
    run.getArtifactsPath('c/directory', { ensure: true, isDirectory: true });

    const found = ['a', 'b', 'b/file.txt', 'c/directory'].map((path) => existsSync(join(paths.run, path)));
    expect(found).toEqual([false, true, false, true]);
    await run.end();
  });

  it('of outputs are created unless ensure is false', async () => {
    const { run } = startRun();

    run.getOutputsPath('a/file.txt', { ensure: false });
    run.getOutputsPath('b/file.txt');
    run.getOutputsPath('c/directory', { isDirectory: true });

    const found = ['a', 'b', 'b/file.txt', 'c/directory'].map((path) =>
      existsSync(join(run.paths.outputs, path)),
    );
    expect(found).toEqual([false, true, false, true]);
    await run.end();
  });

  it('are those in the store on request, and local paths without a store', async () => {
    const { run, warnings } = startRun();
    const useStorePath = true;

    expect(run.getArtifactsPath('a', { useStorePath })).toBe(join(run.paths.run, 'a'));
    expect(warnings.map(({ code }) => code)).toEqual(['WARN_NO_STORE']);
    vi.stubEnv(
      'POLYAXON_CONNECTIONS_CATALOG',
      JSON.stringify({ connections: [{ name: 'mine', kind: 's3', schema: { bucket: 's3://bucket' } }] }),
    );
    vi.stubEnv('POLYAXON_ARTIFACTS_STORE_NAME', 'mine');
    const store = `s3://bucket/${run.uuid}`;
    expect(run.getArtifactsPath('', { useStorePath })).toBe(store);
    expect(run.getArtifactsPath('a', { useStorePath })).toBe(`${store}/a`);
    expect(run.getOutputsPath('a', { useStorePath })).toBe(`${store}/outputs/a`);
    expect(run.getTensorboardPath(undefined, { useStorePath })).toBe(`${store}/outputs/tensorboard`);
    await run.end();
  });
});
