/** Traces that continue in another process, by `TRACEPARENT` in its environment. */

import { once } from 'node:events';
import { expect, it } from 'vitest';
import { spawnScript } from '../support/child-script.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';
import { readSpans } from './read-spans.js';

const WORKER = `
  const run = new Run({ root: process.env.ROOT, formats: ['polyaxon'], trackCode: false, trackEnv: false, collectResources: false });
  await run.trace('work', { parent: readTraceparent() }, () => run.trace('step', () => undefined));
  await run.end();
  console.log(run.paths.run);
`;

it('continues in another process, as a trace whose parent is the span there', async () => {
  const { run } = startRun({ formats: ['polyaxon'] });
  const root = createTempDir();

  const path = await run.trace('turn', async () => {
    const child = spawnScript('Run, readTraceparent', WORKER, {
      ROOT: root,
      TRACEPARENT: run.getTraceparent(),
    });
    let output = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    const [code] = await once(child, 'close');
    expect(code).toBe(0);
    return output.trim();
  });
  await run.end();

  const [here] = readSpans(run);
  const [there] = readSpans({ paths: { run: path } } as typeof run);
  const { trace_id, span_id } = here!.metadata!.otel as Record<string, string>;
  expect(there).toMatchObject({
    name: 'work',
    metadata: { otel: { trace_id, parent_span_id: span_id } },
    children: [{ name: 'step' }],
  });
});
