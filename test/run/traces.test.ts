/** Traces of a run, as its files hold them. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Run } from '../../src/run/run.js';
import type { SpanJson } from '../../src/trace/span.js';
import { createTempDir } from '../support/temp-dir.js';

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

function readTraces(run: Run): SpanJson[] {
  const directory = join(run.paths.run, 'events', 'span');
  return readdirSync(directory)
    .flatMap((file) => readFileSync(join(directory, file), 'utf8').split('\n'))
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(JSON.parse(line).span) as SpanJson);
}

describe('traces of a run', () => {
  it('are written under a shortened name if the name of the root is too long for an event', async () => {
    const run = startRun();
    const name = `GET /search?q=${'wörd+'.repeat(60)}`;

    run.trace(name, () => run.trace('call', () => 1));
    run.logTrace({ name, children: [{ name: 'call' }] });
    run.logTrace({ name: ' ' });
    await run.end();

    const traces = readTraces(run);
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

    const [answer, logged] = readTraces(run);
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
    expect(readTraces(run)).toMatchObject([
      { inputs: masked, children: [{ metadata: masked }] },
      { inputs: masked, outputs: masked },
    ]);
  });
});
