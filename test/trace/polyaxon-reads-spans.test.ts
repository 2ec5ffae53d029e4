/** Polyaxon's own Python classes read every written span with the same values. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Diagnostics } from '../../src/base/diagnostics.js';
import type { SpanJson } from '../../src/trace/span.js';
import { toSpanJson } from '../../src/trace/span-json.js';
import { createTracer } from '../../src/trace/tracer.js';
import { FakeClock } from '../support/fake-clock.js';
import { describeWithPeers } from '../support/peers.js';
import { runPolyaxonPython } from '../support/polyaxon.js';
import { createTempDir } from '../support/temp-dir.js';
import { anySpan } from './any-span.js';

interface Understood {
  readonly alone: readonly string[];
  readonly inFile: readonly string[];
}

async function readByPolyaxon(spans: readonly SpanJson[]): Promise<Understood> {
  const directory = createTempDir();
  const spansFile = join(directory, 'spans.jsonl');
  const eventFile = join(directory, 'trace.plx');
  const texts = spans.map((span) => JSON.stringify(span));
  const timestamp = '2024-01-02 03:04:05.123456+00:00';
  writeFileSync(spansFile, texts.join('\n'));
  writeFileSync(
    eventFile,
    texts.map((span, step) => `\n${JSON.stringify({ timestamp, step, span })}`).join(''),
  );
  const program = join(import.meta.dirname, 'read_spans.py');
  const { stdout } = await runPolyaxonPython(program, [spansFile, eventFile]);
  return JSON.parse(stdout) as Understood;
}

/** Converts JSON to compact text, with numbers in JavaScript's format. */
const normalize = (json: string): string => JSON.stringify(JSON.parse(json));

function nest(depth: number): Record<string, unknown> {
  let value: Record<string, unknown> = {};
  for (let level = 0; level < depth; level += 1) value = { inner: value };
  return value;
}

function deepest(): SpanJson {
  let span = toSpanJson({ metadata: nest(40) });
  for (let level = 0; level < 100; level += 1) span = toSpanJson({ children: [span] });
  return span;
}

describeWithPeers(['polyaxon'], 'spans in Polyaxon', () => {
  it('are read with the same values, and in the field order of Polyaxon', async () => {
    const spans = fc.sample(anySpan(), { numRuns: 500, seed: 4 }).map((span) => toSpanJson(span));

    const { alone, inFile } = await readByPolyaxon(spans);

    const expected = spans.map((span) => normalize(JSON.stringify(span)));
    expect(alone.map(normalize)).toEqual(expected);
    expect(inFile.map(normalize)).toEqual(expected);
  });

  it('are read up to the maximum depth', async () => {
    const span = deepest();

    const { inFile } = await readByPolyaxon([span]);

    expect(JSON.parse(inFile[0]!)).toEqual(span);
  });

  it('are read when recorded by a tracer: errors, late spans, streams, values that JSON cannot hold', async () => {
    const spans: SpanJson[] = [];
    const clock = new FakeClock(1_704_164_645.5);
    const tracer = createTracer({
      clock,
      diagnostics: new Diagnostics({ onWarning: () => undefined }),
      onSpan: (span) => spans.push(span),
    });
    const late = tracer.trace('agent', { kind: 'agent', tags: ['a'], inputs: { f: () => 1 } }, (span) => {
      span.addEvent('retry', { guard: 2 });
      span.setStatus('warning', { message: 'slow' });
      expect(() =>
        tracer.trace('tool', { kind: 'tool' }, () => {
          throw new RangeError('no | such\ntool 日本');
        }),
      ).toThrow(RangeError);
      return { promise: tracer.startSpan('late') };
    });
    late.promise.end({ answer: 42 });
    for await (const _ of tracer.traceStream('stream', { kind: 'llm' }, () => ['a', 'b']));

    const { inFile } = await readByPolyaxon(spans);

    expect(spans.map(({ name }) => name)).toEqual(['agent', 'late', 'stream']);
    expect(inFile.map((text) => JSON.parse(text))).toEqual(spans);
  });
});
