/** The table of variables and files in docs/polyaxon.md: compared with Polyaxon's packages, and with the tests that it names. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.js';
import { runPolyaxonPython } from '../support/polyaxon.js';

const REPOSITORY = join(import.meta.dirname, '../..');
/** What an older version that the tests install reads, and 2.18 does not. */
const REMOVED = ['POLYAXON_TRACKING_TIMEOUT'];

interface Names {
  readonly variables: readonly string[];
  readonly files: readonly string[];
}

const read = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');
const [, section = ''] = read('docs/polyaxon.md').split("### Variables and files of Polyaxon's client\n");
const rows = (section.split('\n#')[0] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.slice(2, -2).split(' | '));
const documented = rows.flatMap(([names = '']) => [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name));

describe('the table of variables and files', () => {
  it('has all names that Polyaxon 2.18 reads, once', () => {
    const { variables, files } = JSON.parse(read('fixtures/polyaxon/environment-2.18.json')) as Names;
    expect([...documented].sort()).toEqual([...variables, ...files, ...REMOVED].sort());
  });

  it('names a test for each row', () => {
    for (const [names, effect, test = ''] of rows) {
      const [path = '', title = ''] = test.split(' › ');
      expect([names, effect, existsSync(join(REPOSITORY, path))]).toEqual([names, effect, true]);
      expect(read(path).replaceAll("\\'", "'"), `${path} › ${title}`).toContain(title);
    }
  });
});

describeWithPeers(['polyaxon'], 'the installed packages', () => {
  it('read no other variables and files', async () => {
    const { stdout } = await runPolyaxonPython(join(REPOSITORY, 'test/docs/inspect_environment.py'));
    const { variables, files } = JSON.parse(stdout) as Names;
    expect(variables.length).toBeGreaterThan(40);
    expect(documented).toEqual(expect.arrayContaining([...variables, ...files]));
  });
});
