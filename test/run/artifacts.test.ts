import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodePolyaxonValue } from '../../src/polyaxon/polyaxon-value.js';
import { readLineage, readValues } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

function createModel(): string {
  const directory = join(createTempDir(), 'net');
  mkdirSync(join(directory, 'weights'), { recursive: true });
  writeFileSync(join(directory, 'model.json'), '{}');
  writeFileSync(join(directory, 'weights', 'w.bin'), 'weights');
  return directory;
}

function createFile(name: string, text: string): string {
  const path = join(createTempDir(), name);
  writeFileSync(path, text);
  return path;
}

const entry = (runDirectory: string, name: string) =>
  readLineage(runDirectory).find((artifact) => artifact.name === name);

describe('Run.logArtifact', () => {
  it('copies a directory, replaces an older copy, and hashes its files', async () => {
    const { run } = startRun();
    const source = createModel();
    const hash = sha256(`model.json\0${sha256('{}')}\nweights/w.bin\0${sha256('weights')}\n`);

    const target = await run.logArtifact(source);
    writeFileSync(join(source, 'new.txt'), 'n');
    await run.logArtifact(source);

    expect(target).toBe(join(run.paths.outputs, 'net'));
    expect(readdirSync(target!).sort()).toEqual(['model.json', 'new.txt', 'weights']);
    expect(readFileSync(join(target!, 'weights', 'w.bin'), 'utf8')).toBe('weights');
    expect(entry(run.paths.run, 'net')).toMatchObject({ kind: 'dir', path: 'outputs/net' });
    expect(entry(run.paths.run, 'net')?.summary.hash).not.toBe(hash);
    expect(readdirSync(run.paths.outputs).sort()).toEqual(['net', 'tensorboard']);
    await run.end();
  });

  it('skips links, with a warning', async () => {
    const { run, warnings } = startRun();
    const source = createModel();
    symlinkSync('/etc/hostname', join(source, 'link'));

    const target = await run.logArtifact(source, { skipHash: true, summary: { note: 'n' } });

    expect(readdirSync(target!).sort()).toEqual(['model.json', 'weights']);
    expect(warnings.map(({ code }) => code)).toEqual(['WARN_FILES_LEFT_OUT']);
    expect(entry(run.paths.run, 'net')?.summary).toEqual({ note: 'n', path: 'outputs/net', size_bytes: 9 });
    await run.end();
  });

  it('keeps every version when given a step, and logs an event for each', async () => {
    const { run } = startRun();
    const source = createFile('notes.v1.TXT', 'first');

    const targets = [
      await run.logArtifact(source, { step: 5 }),
      await run.logArtifact(source, { step: 5 }),
      await run.logModel(source, { step: 6, name: 'net/a', framework: 'onnx', summary: { layers: 2 } }),
    ];
    await run.flush();

    expect(targets.map((target) => target!.slice(run.paths.run.length + 1))).toEqual([
      'assets/file/notes_5.v1.txt',
      'assets/file/notes_5-2.v1.txt',
      'assets/model/net__a_6.v1.txt',
    ]);
    const events = readValues(run.paths.tensorboard).map((value) => ({
      step: value.step,
      ...decodePolyaxonValue(value).body,
    }));
    expect(events).toEqual([
      { step: 5, kind: 'file', name: 'notes', value: { kind: 'file', path: 'assets/file/notes_5.v1.txt' } },
      { step: 5, kind: 'file', name: 'notes', value: { kind: 'file', path: 'assets/file/notes_5-2.v1.txt' } },
      {
        step: 6,
        kind: 'model',
        name: 'net/a',
        value: { framework: 'onnx', path: 'assets/model/net__a_6.v1.txt', spec: { layers: 2 } },
      },
    ]);
    expect(run.record.meta_info).toMatchObject({ has_events: true, has_model: true });
    await run.end();
  });

  it('rejects an unknown kind', async () => {
    const { run } = startRun();
    const source = createFile('a.txt', 'a');

    await expect(run.logArtifact(source, { kind: 'zip' as 'file' })).rejects.toMatchObject({
      code: 'ERR_ARTIFACT_INVALID',
    });
    await run.end();
  });

  it('completes before the run ends', async () => {
    const { run } = startRun();
    const source = createFile('a.txt', 'a');

    const copying = run.logArtifact(source);
    await run.end();

    expect(entry(run.paths.run, 'a')).toBeDefined();
    await copying;
  });

  it('keeps two kinds with the same name separate', async () => {
    const { run, warnings } = startRun();

    await run.logModel(createFile('net.bin', 'm'));
    await run.logArtifact(createFile('net.csv', 'c'), { kind: 'csv' });

    expect(readLineage(run.paths.run).map(({ name, kind }) => [name, kind])).toEqual([
      ['tensorboard', 'tensorboard'],
      ['net', 'model'],
      ['net-csv', 'csv'],
    ]);
    expect(warnings.map(({ code }) => code)).toEqual(['WARN_NAME_TAKEN']);
    await run.end();
  });
});

describe('references', () => {
  it('record files without copying them', async () => {
    const { run } = startRun();
    const file = createFile('data.csv', 'a,b');
    const directory = createModel();
    writeFileSync(run.getOutputsPath('own.txt'), 'own');

    await run.logFileRef(file);
    await run.logDirRef(directory, { name: 'weights' });
    await run.logFileRef(run.getOutputsPath('own.txt'));
    await run.logModelRef(directory, { framework: 'tfjs', skipHash: true });
    await run.logDataRef('mnist', { path: 's3://data/mnist', hash: 'abc' });
    await run.logDataRef('rows', { content: [1, 2] });
    await run.logArtifactRef('https://host/x.md', 'markdown', {
      name: 'doc',
      summary: { pages: 3 },
      isInput: true,
    });
    await run.logTensorboardRef('/logs', { name: 'other logs' });

    const lineage = Object.fromEntries(readLineage(run.paths.run).map(({ name, ...rest }) => [name, rest]));
    expect(lineage).toMatchObject({
      data: { kind: 'file', path: file, summary: { path: file, hash: sha256('a,b') }, is_input: false },
      weights: { kind: 'dir', path: directory, is_input: false },
      own: { kind: 'file', path: 'outputs/own.txt', summary: { hash: sha256('own') } },
      net: { kind: 'model', summary: { framework: 'tfjs', path: directory } },
      mnist: { kind: 'data', path: 's3://data/mnist', summary: { hash: 'abc' }, is_input: true },
      rows: { kind: 'data', summary: { hash: sha256('[1,2]') }, is_input: true },
      doc: {
        kind: 'markdown',
        path: 'https://host/x.md',
        summary: { pages: 3, path: 'https://host/x.md' },
        is_input: true,
      },
      'other-logs': { kind: 'tensorboard', path: '/logs', summary: { path: '/logs' } },
    });
    expect(lineage.net).not.toHaveProperty('summary.hash');
    expect(run.getArtifactsLineage()).toEqual(readLineage(run.paths.run));
    await run.end();
  });

  it('reject a missing file', async () => {
    const { run } = startRun();

    await expect(run.logFileRef('/there/is/none')).rejects.toMatchObject({ code: 'ERR_ARTIFACT_INVALID' });
    await run.end();
  });

  it('store lineage entries unchanged, and reject one without a name', async () => {
    const { run } = startRun();

    run.logArtifactLineage({ name: 'x', kind: 'analysis', summary: { a: 1 }, is_input: true });
    expect(entry(run.paths.run, 'x')).toEqual({
      name: 'x',
      kind: 'analysis',
      summary: { a: 1 },
      is_input: true,
    });
    expect(() => run.logArtifactLineage({ name: '', kind: 'file', summary: {}, is_input: false })).toThrow(
      /no name/,
    );
    await run.end();
  });

  it('write the environment to a file in outputs', async () => {
    const { run } = startRun();

    run.logEnv({ cuda: '12.4' }, { relPath: 'facts/gpu.json' });

    expect(readFileSync(join(run.paths.outputs, 'facts/gpu.json'), 'utf8')).toBe('{"cuda":"12.4"}');
    expect(entry(run.paths.run, 'env')).toEqual({
      name: 'env',
      kind: 'env',
      path: 'outputs/facts/gpu.json',
      summary: { path: 'outputs/facts/gpu.json', hash: sha256('{"cuda":"12.4"}') },
      is_input: false,
    });
    await run.end();
  });
});

describe('paths', () => {
  it('are inside the run, and are created on request', async () => {
    const { run } = startRun();
    const { paths } = run;

    expect(run.getArtifactsPath()).toBe(paths.run);
    expect(run.getArtifactsPath('a/b.txt')).toBe(join(paths.run, 'a/b.txt'));
    expect(run.getOutputsPath('deep/er.txt')).toBe(join(paths.outputs, 'deep/er.txt'));
    expect(run.getOutputsPath('dir', { isDirectory: true })).toBe(join(paths.outputs, 'dir'));
    expect(run.getTensorboardPath()).toBe(paths.tensorboard);
    expect(run.getTensorboardPath('tb2')).toBe(join(paths.outputs, 'tb2'));
    expect(() => run.getOutputsPath('../x')).toThrow(/is outside/);

    expect(readdirSync(paths.outputs).sort()).toEqual(['deep', 'dir', 'tb2', 'tensorboard']);
    expect(readdirSync(paths.run)).not.toContain('a');
    await run.end();
    expect(entry(paths.run, 'tb2')).toMatchObject({ kind: 'tensorboard', path: 'outputs/tb2' });
  });
});
