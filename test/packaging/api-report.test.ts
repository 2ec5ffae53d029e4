import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const REPORTS = join(repository, 'docs/api');

it('docs/api has the public declarations of the built package; npm run api writes them', async () => {
  const script = join(repository, 'scripts/api-report.mjs');

  await promisify(execFile)(process.execPath, [script, '--check']).catch(({ stderr }) => expect.fail(stderr));

  expect(readdirSync(REPORTS)).toEqual([
    'polytrack-format.api.txt',
    ...['openai', 'pino', 'tfjs', 'vitest'].map((name) => `polytrack-integrations-${name}.api.txt`),
    'polytrack-polyaxon.api.txt',
    'polytrack-uploader.api.txt',
    'polytrack.api.txt',
  ]);
  expect(readFileSync(join(REPORTS, 'polytrack.api.txt'), 'utf8')).toContain('\n## Run\n');
});
