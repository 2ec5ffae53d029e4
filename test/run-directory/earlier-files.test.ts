/** A run that is resumed on files that another program has written, or damaged. */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { Run } from '../../src/index.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = '0123456789abcdef0123456789abcdef';
const OPTIONS = {
  uuid: UUID,
  resume: true,
  trackCode: false,
  trackEnv: false,
  trackLogs: false,
  collectResources: false,
};

function writeRun(files: Readonly<Record<string, string>>): { root: string; run: string } {
  const root = createTempDir();
  const run = join(root, 'runs', UUID);
  mkdirSync(join(run, '.plx'), { recursive: true });
  for (const [path, content] of Object.entries(files)) writeFileSync(join(run, path), content);
  return { root, run };
}

describe('a resumed run', () => {
  it.each([
    '{}',
    '{"name":"theirs","uuid":"x","tags":null,"inputs":null,"status_conditions":null}',
    '{"name":"theirs","unknown":[1]}',
  ])('takes absent fields of its run file from a new run: %s', async (content) => {
    const { root, run } = writeRun({ 'run.plx.json': content });

    const resumed = new Run({ ...OPTIONS, root });
    resumed.logInputs({ lr: 1 });
    await resumed.end();

    expect(JSON.parse(readFileSync(join(run, 'run.plx.json'), 'utf8'))).toMatchObject({
      ...(content.includes('theirs') ? { name: 'theirs' } : {}),
      status: 'succeeded',
      inputs: { lr: 1 },
      status_conditions: [{ type: 'running' }, { type: 'succeeded' }],
    });
  });

  it.each([
    ['run.plx.json', '', 'Unexpected end'],
    ['run.plx.json', 'null', 'it is null, expected an object'],
    ['run.plx.json', '[]', 'expected an object'],
    ['run.plx.json', '{"status_conditions":5}', 'status_conditions is 5 (number), expected a list'],
    ['run.plx.json', '{"tags":"a"}', 'tags is "a", expected a list'],
    ['run.plx.json', '{"inputs":7}', 'inputs is 7 (number), expected an object'],
    ['run.plx.json', '{"name":7}', 'name is 7 (number), expected a text'],
    ['lineages.plx.json', '{}', 'expected a list of artifacts'],
    ['lineages.plx.json', '[null]', 'it is null, expected an object'],
    ['lineages.plx.json', '[{"name":3}]', 'name is 3 (number), expected a text'],
  ])('is refused on the %s %j, and changes nothing', (file, content, message) => {
    const { root, run } = writeRun({ 'run.plx.json': '{}', [file]: content });

    expect(() => new Run({ ...OPTIONS, root })).toThrow(
      expect.objectContaining({ code: 'ERR_RESUME', message: expect.stringContaining(message) }),
    );
    expect(readFileSync(join(run, file), 'utf8')).toBe(content);
  });

  it('reports a directory that is below a file, in a job too, and continues', async () => {
    const { root } = writeRun({});
    writeFileSync(join(root, 'file'), '');
    const onWarning = vi.fn();
    vi.stubEnv('POLYAXON_RUN_INSTANCE', `owner.project.runs.${UUID}`);
    vi.stubEnv('POLYAXON_CONTEXT_ROOT', join(root, 'file'));
    vi.stubEnv('POLYAXON_IS_MANAGED', 'true');

    const run = new Run({
      trackCode: false,
      trackEnv: false,
      trackLogs: false,
      collectResources: false,
      onError: onWarning,
    });
    run.logMetric('loss', 1);

    await expect(run.end()).rejects.toMatchObject({ code: 'ERR_RUN_WRITE' });
    vi.unstubAllEnvs();
  });
});
