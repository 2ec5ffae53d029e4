/** Traces of a run, as its files hold them. */

import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { describe, expect, it } from 'vitest';
import { Run } from '../../src/run/run.js';
import { PolytrackSpanExporter } from '../../src/trace/otel-exporter.js';
import { spawnScript } from '../support/child-script.js';
import { createTempDir } from '../support/temp-dir.js';
import { readSpans } from '../trace/read-spans.js';

function startRun(): Run {
  return new Run({
    root: createTempDir(),
    name: 'x',
    formats: ['tensorboard', 'polyaxon'],
    trackCode: false,
    trackEnv: false,
    trackLogs: false,
    collectResources: false,
    onWarning: () => undefined,
  });
}

describe('traces of a run', () => {
  it('are written under a shortened name if the name of the root is too long for an event', async () => {
    const run = startRun();
    const name = `GET /search?q=${'wörd+'.repeat(60)}`;

    run.trace(name, () => run.trace('call', () => 1));
    run.logTrace({ name, children: [{ name: 'call' }] });
    run.logTrace({ name: ' ' });
    await run.end();

    const traces = readSpans(run);
    expect(traces.map((span) => [span.name, span.children?.length ?? 0])).toEqual([
      [name, 1],
      [name, 1],
      [' ', 0],
    ]);
  });

  it('have their generated uuid in the notes of the root, because the page of Polyaxon shows roots without one', async () => {
    const run = startRun();
    let uuid = '';
    const given = '0'.repeat(32);

    run.trace('answer', (span) => {
      uuid = span.uuid;
      run.trace('model', () => 1);
    });
    run.logTrace({ name: 'logged', uuid: given });
    await run.end();

    const [answer, logged] = readSpans(run);
    expect(answer).toMatchObject({
      metadata: { polytrack: { uuid } },
      children: [{ uuid: expect.stringMatching(/^[0-9a-f]{32}$/) }],
    });
    expect(answer).not.toHaveProperty('uuid');
    expect(logged!.uuid).toBe(given);
  });

  it('are shown as text in TensorBoard', async () => {
    const run = startRun();

    run.trace('answer', { kind: 'agent' }, () => run.trace('model', () => 'because'));
    await run.end();

    const directory = join(run.paths.run, 'outputs', 'tensorboard');
    const text = readdirSync(directory)
      .map((file) => readFileSync(join(directory, file), 'utf8'))
      .join('');
    expect(text).toMatch(/ {4}answer · agent · succeeded · \d+ ms\n/);
    expect(text).toMatch(/ {8}model · succeeded · \d+ ms\n/);
  });

  it('hide secrets in lists of headers and below secret names', async () => {
    const run = startRun();
    const inputs = {
      pairs: [['authorization', 'r8Yl3nWe92yB']],
      entries: [{ name: 'X-Api-Key', value: 'r8Yl3nWe92yB' }],
      rawHeaders: ['Accept', '*/*', 'X-Api-Key', 'r8Yl3nWe92yB'],
      credentials: { id: 'r8Yl3nWe92yB' },
    };

    run.trace('traced', { inputs }, () => inputs);
    run.logTrace({ name: 'logged', inputs, children: [{ name: 'child', metadata: inputs }] });
    await run.end();

    const masked = {
      pairs: [['authorization', '***']],
      entries: [{ name: 'X-Api-Key', value: '***' }],
      rawHeaders: ['Accept', '*/*', 'X-Api-Key', '***'],
      credentials: { id: '***' },
    };
    expect(readSpans(run)).toMatchObject([
      { inputs: masked, children: [{ metadata: masked }] },
      { inputs: masked, outputs: masked },
    ]);
  });
});

describe('a trace that is open when its process is killed', () => {
  const program = (root: string) => `
    const run = new Run({ root: ${JSON.stringify(root)}, uuid: '${'1'.repeat(32)}', formats: ['tensorboard', 'polyaxon'], trackCode: false, trackEnv: false, trackLogs: false, collectResources: false });
    const short = run.startSpan('short');
    await run.trace('agent', { inputs: { password: 'hunterhunter' } }, async () => {
      for (let step = 0; step < 3; step += 1) await run.trace('step', async () => run.trace('inner', () => 'result-' + step));
      const open = run.startSpan('open');
      await run.flush();
      short.end();
      await run.flush();
      process.kill(process.pid, 'SIGKILL');
    });`;

  it('is in files of the run, and is written as a stopped trace when the run is resumed', async () => {
    const root = createTempDir();
    const [, signal] = (await once(spawnScript('Run', program(root)), 'exit')) as [unknown, string];
    expect(signal).toBe('SIGKILL');
    const directory = join(root, 'runs', '1'.repeat(32));
    const saved = () => readdirSync(join(directory, '.plx')).filter((name) => name.startsWith('spans-'));
    const texts = saved()
      .map((name) => readFileSync(join(directory, '.plx', name), 'utf8'))
      .join('');
    expect(texts).toContain('result-2');
    expect(texts).not.toContain('hunterhunter');

    const run = new Run({
      root,
      uuid: '1'.repeat(32),
      resume: true,
      formats: ['tensorboard', 'polyaxon'],
      trackCode: false,
      trackEnv: false,
      trackLogs: false,
      collectResources: false,
    });
    await run.end();

    const agent = readSpans(run).find(({ name }) => name === 'agent');
    expect(agent).toMatchObject({
      status: 'stopped',
      status_conditions: [{ reason: 'ProcessEnded' }],
      inputs: { password: '***' },
    });
    expect(agent!.children!.map(({ name, status, children }) => [name, status, children?.length])).toEqual([
      ['step', 'succeeded', 1],
      ['step', 'succeeded', 1],
      ['step', 'succeeded', 1],
      ['open', 'stopped', undefined],
    ]);
    expect(saved()).toEqual([]);
  });

  it('keeps every span that had ended when the event loop last ran', async () => {
    const root = createTempDir();
    const body = `
      const run = new Run({ root: ${JSON.stringify(root)}, uuid: '${'1'.repeat(32)}', trackCode: false, trackEnv: false, trackLogs: false, collectResources: false });
      await run.trace('agent', async () => {
        run.trace('step', () => 'result');
        await new Promise((resolve) => setTimeout(resolve, 1000));
        process.kill(process.pid, 'SIGKILL');
      });`;

    await once(spawnScript('Run', body), 'exit');

    const files = readdirSync(join(root, 'runs', '1'.repeat(32), '.plx'), { withFileTypes: true });
    const [saved] = files.filter(({ name }) => name.startsWith('spans-'));
    expect(readFileSync(join(saved!.parentPath, saved!.name), 'utf8')).toContain('"output":"result"');
  });

  it('of OpenTelemetry survives as well, if its exporter has the run', async () => {
    const run = startRun();
    const provider = new BasicTracerProvider({
      spanProcessors: [new BatchSpanProcessor(new PolytrackSpanExporter({ run }))],
    });
    const tracer = provider.getTracer('an instrumented SDK');
    const request = tracer.startSpan('request');
    tracer.startSpan('step', {}, trace.setSpan(ROOT_CONTEXT, request)).end();
    await provider.forceFlush();
    await run.flush();
    const saved = () => readdirSync(join(run.paths.run, '.plx')).filter((name) => name.startsWith('spans-'));

    expect(readSpans(run)).toEqual([]);
    expect(readFileSync(join(run.paths.run, '.plx', saved()[0]!), 'utf8')).toContain('"name":"step"');
    request.end();
    await provider.shutdown();
    await run.end();

    expect(readSpans(run)).toMatchObject([{ name: 'request', children: [{ name: 'step' }] }]);
    expect(saved()).toEqual([]);
  });

  it('leaves no file behind when it ends', async () => {
    const run = startRun();

    await run.trace('agent', async () => {
      run.trace('step', () => 1);
      await run.flush();
    });
    await run.end();

    expect(readdirSync(join(run.paths.run, '.plx')).filter((name) => name.startsWith('spans-'))).toEqual([]);
    expect(readSpans(run)).toMatchObject([{ name: 'agent', children: [{ name: 'step' }] }]);
  });
});

describe('100,000 traced calls', () => {
  const PROGRAM = (root: string, isInRoot: boolean): string => `
    const run = new Run({ root: ${JSON.stringify(root)}, trackCode: false, trackEnv: false, trackLogs: false, collectResources: false });
    class ApiPromise extends Promise {
      static get [Symbol.species]() { return Promise; }
      parse() { return Promise.resolve({ text: 'because' }); }
      then(resolved, rejected) { return this.parse().then(resolved, rejected); }
      async withResponse() { return { data: await this.parse() }; }
    }
    const used = () => { gc(); gc(); return process.memoryUsage().heapUsed; };
    const call = (index) => run.trace('call', { kind: 'llm', inputs: { prompt: 'why? ' + index } }, () => new ApiPromise((r) => r()));
    const calls = async (count) => {
      for (let index = 0; index < count; index += 1) {
        await (index % 2 === 0 ? call(index) : call(index).withResponse());
        if (index % 10_000 === 0) await run.flush();
      }
    };
    await calls(1000);
    const before = used();
    const measure = async () => { await calls(100_000); await run.flush(); console.log(used() - before); };
    await (${isInRoot} ? run.trace('agent', measure) : measure());
    await run.end();`;

  it.each([false, true])('hold at most 20 MiB, within a root: %s', async (isInRoot) => {
    const child = spawnScript(
      'Run',
      PROGRAM(createTempDir(), isInRoot),
      { NODE_NO_WARNINGS: '1' },
      'polytrack',
      ['--expose-gc'],
    );

    const bytes = Number(await text(child.stdout!));

    expect(bytes).toBeGreaterThan(-(2 ** 22));
    expect(bytes).toBeLessThanOrEqual(20 * 2 ** 20);
  });
});
