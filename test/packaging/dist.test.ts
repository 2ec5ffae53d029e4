/** The CommonJS modules of the build load each other on first use. */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createTempDir } from '../support/temp-dir.js';

const dist = join(import.meta.dirname, '../../dist');
const run = promisify(execFile);

/** Runs a program outside of the package. Returns what it prints as JSON. */
async function runProgram(body: string): Promise<unknown> {
  const start = `import { createRequire } from 'node:module';
    const polytrack = await import(${JSON.stringify(pathToFileURL(join(dist, 'src/index.js')).href)});
    const loaded = () => Object.keys(createRequire(import.meta.url).cache);`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', start + body], {
    cwd: createTempDir(),
  });
  return JSON.parse(stdout);
}

describe("import 'polytrack'", () => {
  it('loads few modules, and none of those that only rare calls need', async () => {
    const loaded = (await runProgram('console.log(JSON.stringify(loaded()));')) as string[];

    expect(loaded.length).toBeLessThan(40);
    expect(
      loaded.filter((path) => /generated|bundled|polyaxon\/(?:kinds|export)|capture/.test(path)),
    ).toEqual([]);
  });

  it('has the names that `require` gives, and no others', async () => {
    const [imported, required] = (await runProgram(`
      const { default: exported, ...names } = polytrack;
      console.log(JSON.stringify([Object.keys(names).sort(), Object.keys(exported).sort()]));`)) as string[][];

    expect(imported!.filter((name) => name !== '__esModule' && name !== 'module.exports')).toEqual(required);
    expect(required).toContain('Run');
  });

  it('finds the uploader when a program reads a store', async () => {
    const code = await runProgram(`
      let code = 'none';
      try {
        for await (const { uuid } of polytrack.loadRuns('file://' + process.cwd())) code = uuid;
      } catch (error) {
        code = error.code;
      }
      console.log(JSON.stringify(code));`);

    expect(code).toBe('none');
  });
});
