import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

it('the generated code matches proto/', async () => {
  const script = fileURLToPath(new URL('../../scripts/generate-proto.mjs', import.meta.url));

  await expect(promisify(execFile)(process.execPath, [script, '--check'])).resolves.toBeDefined();
});
