/** A run whose local files were deleted is not resumed as if it were whole. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Run, type RunOptions } from '../../src/index.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = '0123456789abcdef0123456789abcdef';
const QUIET = { trackCode: false, trackEnv: false, trackLogs: false, collectResources: false };

async function endedRun(): Promise<{ root: string; run: string }> {
  const root = createTempDir();
  const run = new Run({ root, uuid: UUID, ...QUIET });
  run.logMetric('loss', 1, { step: 1 });
  await run.end();
  return { root, run: run.paths.run };
}

function clean(
  run: string,
  content = JSON.stringify({ version: 1, state: 'cleaned', store: 's3://a' }),
): void {
  rmSync(join(run, 'outputs'), { recursive: true });
  writeFileSync(join(run, '.plx/cleaned.json'), content);
}

describe('Run', () => {
  it.each([{ resume: true }, { worker: '1' }, { resume: { fromStep: 1 } }])(
    'F108: refuses to continue a run whose files were deleted, with %j, and changes nothing',
    async (options: RunOptions) => {
      const { root, run } = await endedRun();
      clean(run);
      const before = [readdirSync(run, { recursive: true }), readFileSync(join(run, 'run.plx.json'), 'utf8')];

      expect(() => new Run({ root, uuid: UUID, ...QUIET, ...options })).toThrow(
        expect.objectContaining({ code: 'ERR_RUN_CLEANED', store: 's3://a' }),
      );
      expect([
        readdirSync(run, { recursive: true }),
        readFileSync(join(run, 'run.plx.json'), 'utf8'),
      ]).toEqual(before);
    },
  );

  it('F108: refuses it too when the marker has no content', async () => {
    const { root, run } = await endedRun();
    clean(run, '');

    expect(() => new Run({ root, uuid: UUID, ...QUIET, resume: true })).toThrow(/were deleted/);
  });

  it('F108: continues a run that Polyaxon restarts, with a warning', async () => {
    const { run: from } = await endedRun();
    clean(from);
    const artifactsPath = join(createTempDir(), UUID);
    mkdirSync(artifactsPath);
    for (const name of ['run.plx.json', '.plx/cleaned.json']) {
      mkdirSync(join(artifactsPath, '.plx'), { recursive: true });
      writeFileSync(join(artifactsPath, name), readFileSync(join(from, name)));
    }
    const warnings: string[] = [];
    const before = { ...process.env };
    Object.assign(process.env, { POLYAXON_IS_MANAGED: 'true', POLYAXON_RUN_INSTANCE: `o.p.runs.${UUID}` });
    try {
      const run = new Run({ ...QUIET, artifactsPath, onWarning: ({ code }) => warnings.push(code) });
      await run.end();
    } finally {
      process.env = before;
    }

    expect(warnings).toContain('WARN_RUN_CLEANED');
  });
});
