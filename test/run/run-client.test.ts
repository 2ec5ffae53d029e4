/** `run.client`: absent until `polytrack/polyaxon` is imported. */

import { expect, it } from 'vitest';
import { Run } from '../../src/index.js';
import { createTempDir } from '../support/temp-dir.js';

const QUIET = { trackCode: false, trackEnv: false, trackLogs: false, collectResources: false };

// One test, because an import cannot be taken back.
it('gives the client of the run once polytrack/polyaxon is imported, and names that import before', async () => {
  const run = new Run({ ...QUIET, root: createTempDir(), owner: 'acme', project: 'vision' });
  const other = new Run({ ...QUIET, root: createTempDir() });
  expect(() => run.client).toThrow(
    expect.objectContaining({ code: 'ERR_NO_CLIENT', hint: expect.stringContaining("'polytrack/polyaxon'") }),
  );

  const { RunClient } = await import('../../uploader/polyaxon.js');
  const { client } = run;

  expect(client).toBeInstanceOf(RunClient);
  expect([client.owner, client.project, client.uuid]).toEqual(['acme', 'vision', run.uuid]);
  expect(run.client).toBe(client);
  expect(() => other.client).toThrow(expect.objectContaining({ code: 'ERR_OPTION_INVALID' }));
  await Promise.all([run.end(), other.end()]);
});
