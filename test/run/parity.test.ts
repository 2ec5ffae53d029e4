/** What Python's client can do and no other test of ours has shown: rows of docs/python-parity.md point here. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Run } from '../../src/index.js';
import { readEvents, readLineage, readRunFile, readValues } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** Methods of Python's `Run` that ask a server, by the names that they would have here. */
const SERVER_METHODS = [
  ...[
    'approve',
    'create',
    'createFromHub',
    'createFromPolyaxonfile',
    'createFromUrl',
    'delete',
    'deleteArtifact',
  ],
  ...[
    'deleteArtifacts',
    'downloadArtifact',
    'downloadArtifactForLineage',
    'downloadArtifacts',
    'getArtifact',
  ],
  ...[
    'getArtifactsTree',
    'getEvents',
    'getLogs',
    'getMetrics',
    'getMetricsAsBarChart',
    'getMetricsAsLineChart',
  ],
  ...[
    'getMetricsAsScatterChart',
    'getMetricsAsTidyDf',
    'getMetricsAsWideDf',
    'getMultiRunEvents',
    'getNamespace',
  ],
  ...[
    'getRunsArtifactsLineage',
    'getRunsAsHiplot',
    'getRunsIo',
    'inspect',
    'invalidate',
    'list',
    'listChildren',
  ],
  ...['loadOfflineRun', 'persistRun', 'promoteToArtifactVersion', 'promoteToModelVersion', 'pullRemoteRun'],
  ...[
    'pushOfflineRun',
    'refreshData',
    'resetClient',
    'aresetClient',
    'restart',
    'resume',
    'setArtifactsPath',
    'setOwner',
  ],
  ...['setProject', 'setRunEdgesLineage', 'setRunEventLogger', 'setRunLogsLogger', 'setRunProcessSidecar'],
  ...[
    'setRunResourceLogger',
    'setRunUuid',
    'shell',
    'skip',
    'stop',
    'syncArtifactsAndSummaries',
    'syncEventsSummaries',
  ],
  ...['syncSystemEventsSummaries', 'transfer', 'uploadArtifact', 'uploadArtifacts', 'uploadArtifactsDir'],
  ...['waitForCondition', 'watchLogs', 'watchStatuses', 'logMplImage', 'logMplPlotlyChart'],
];

describe('Run', () => {
  it.each(SERVER_METHODS)('has no method %s: tracking touches local disk only', (method) => {
    expect(method in Run.prototype).toBe(false);
  });

  it('gives every kind of event the step and the time that it is told', async () => {
    const { run } = startRun();
    const options = { step: 7, timestamp: '2024-01-02T03:04:05.123456Z' };
    const pixels = { pixels: new Uint8Array(12), height: 2, width: 2, channels: 3 } as const;

    run.logMetric('metric', 1, options);
    run.logMetrics({ several: 2 }, options);
    run.logRocAucCurve('roc', { fpr: [0, 1], tpr: [0, 1], auc: 0.5 }, options);
    run.logPrCurve('pr', { precision: [1, 0], recall: [0, 1], averagePrecision: 0.5 }, options);
    run.logCurve('curve', { x: [0, 1], y: [1, 0], annotation: 'a' }, options);
    run.logConfusionMatrix('confusion', { x: ['a'], y: ['a'], z: [[1]] }, options);
    run.logImage('image', pixels, options);
    run.logImageWithBoxes('boxes', pixels, [[0, 0, 1, 1]], options);
    run.logVideo('video', { bytes: Uint8Array.of(1), contentType: 'mp4' }, { ...options, fps: 4 });
    run.logAudio('audio', { samples: Float32Array.of(0, 1), sampleRateHz: 8000 }, options);
    run.logText('text', 't', options);
    run.logHtml('html', '<b>h</b>', options);
    run.logHistogram('histogram', [1, 2, 3], { ...options, bins: 2 });
    run.logNpHistogram('np', [1, 2], [0, 1, 2], options);
    run.logDataframe('frame', [{ a: 1 }], { ...options, contentType: 'csv' });
    run.logPlotlyChart('plotly', { data: [], layout: {} }, options);
    run.logBokehChart('bokeh', { doc: {} }, options);
    run.logVegaChart('vega', { mark: 'bar' }, options);
    run.logAltairChart('altair', { mark: 'bar' }, options);
    run.logTrace({ name: 'span', kind: 'llm' }, options);
    await run.flush();

    const events = readEvents(run.paths.tensorboard).filter(({ what }) => what.kind === 'summary');
    expect(events).toHaveLength(20);
    for (const { step, wallTime } of events) {
      expect(step).toBe(7);
      expect(wallTime).toBeCloseTo(Date.UTC(2024, 0, 2, 3, 4, 5) / 1000 + 0.123456, 6);
    }
    expect(readRunFile(run.paths.run).meta_info).toEqual({
      has_tensorboard: true,
      has_metrics: true,
      has_events: true,
      has_traces: true,
    });
    await run.end();
  });

  it('takes inputs and outputs of a span for its own when that is asked for', async () => {
    const { run } = startRun();

    run.logTrace({ name: 'a', inputs: { q: 1 }, outputs: { r: 2 } });
    expect([run.getInputs(), run.getOutputs()]).toEqual([{}, {}]);
    run.logTrace({ name: 'a', inputs: { q: 1 }, outputs: { r: 2 } }, { updateRun: true });

    expect([run.getInputs(), run.getOutputs()]).toEqual([{ q: 1 }, { r: 2 }]);
    await run.end();
  });

  it('records a state of the code that it is given, by its commit', async () => {
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

  it('has a status since when it is told', async () => {
    const { run } = startRun();

    run.logStatus('warning', { reason: 'Slow', message: 'm', wallTime: 1_700_000_000 });

    expect(run.getStatuses().conditions.at(-1)).toEqual({
      type: 'warning',
      status: true,
      reason: 'Slow',
      message: 'm',
      last_update_time: '2023-11-14T22:13:20.000000+00:00',
      last_transition_time: '2023-11-14T22:13:20.000000+00:00',
    });
    await run.end();
  });

  it('says what it is', async () => {
    vi.stubEnv('POLYAXON_LOG_LEVEL', 'debug');
    const { run } = startRun({ project: 'acme/demo' });

    expect(run).toMatchObject({ owner: 'acme', project: 'demo', status: 'running', mode: 'offline' });
    expect(run.record.uuid).toBe(run.uuid);
    expect(run.getLogLevel()).toBe('debug');
    await run.end();
  });
});

describe('what a run captures by itself', () => {
  const entry = new URL('../../dist/src/index.js', import.meta.url).href;

  async function runInRepository(options: string): Promise<string> {
    const root = createTempDir();
    const repository = createTempDir();
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], {
        cwd: repository,
      });
    git('init', '-q');
    writeFileSync(join(repository, 'main.mjs'), '');
    git('add', '.');
    git('commit', '-q', '-m', 'first');
    writeFileSync(
      join(repository, 'main.mjs'),
      `import { Run } from ${JSON.stringify(entry)};
       const run = new Run({ root: ${JSON.stringify(root)}, ${options} });
       console.log('epoch 1 done');
       await run.end();`,
    );
    const child = spawn(process.execPath, ['main.mjs'], { cwd: repository, stdio: 'ignore' });
    expect((await once(child, 'exit'))[0]).toBe(0);
    return join(root, 'runs', readdirSync(join(root, 'runs'))[0]!);
  }

  it('is code, environment, console output and system metrics', async () => {
    const run = await runInRepository("formats: ['tensorboard', 'polyaxon']");

    const lineage = readLineage(run);
    expect(lineage.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['coderef', 'env', 'file', 'system']),
    );
    expect(readFileSync(join(run, 'outputs/git.diff'), 'utf8')).toContain('+       console.log');
    expect(JSON.parse(readFileSync(join(run, 'outputs/env.json'), 'utf8'))).toMatchObject({
      node_version: expect.any(String),
      packages: expect.any(Array),
    });
    expect(readFileSync(join(run, 'plxlogs/logs.jsonl'), 'utf8')).toMatch(/^\n\{.*"value":"epoch 1 done"\}$/);
    expect(readValues(join(run, 'system/tensorboard')).map(({ tag }) => tag)).toEqual(
      expect.arrayContaining(['cpu', 'memory', 'load']),
    );
    expect(readdirSync(join(run, 'resources/metric'))).toEqual(
      expect.arrayContaining(['cpu.plx', 'memory.plx', 'load.plx']),
    );
  });

  it('is nothing when all of it is switched off', async () => {
    const run = await runInRepository(
      'trackCode: false, trackEnv: false, trackLogs: false, collectResources: false',
    );

    expect(readLineage(run).map(({ kind }) => kind)).toEqual(['tensorboard']);
    expect(readdirSync(join(run, 'outputs'))).toEqual(['tensorboard']);
    for (const directory of ['plxlogs', 'system', 'resources'])
      expect(existsSync(join(run, directory))).toBe(false);
  });
});
