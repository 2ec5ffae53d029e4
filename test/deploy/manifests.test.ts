/** Checks the manifests in `deploy/` against the published schemas and the version of this package. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.js';
import { runPolyaxonPython } from '../support/polyaxon.js';
import { createTempDir } from '../support/temp-dir.js';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const CHECK = fileURLToPath(new URL('check_manifests.py', import.meta.url));
const MANIFESTS = readdirSync(DEPLOY, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.yaml'))
  .map((path) => join(DEPLOY, path));

async function findProblems(...files: string[]): Promise<string[]> {
  const { stdout } = await runPolyaxonPython(CHECK, files);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as string[];
}

describeWithPeers(['polyaxon'], 'the published schemas', () => {
  it('accept every manifest', async () => {
    expect(MANIFESTS.length).toBeGreaterThanOrEqual(15);
    expect(await findProblems(...MANIFESTS)).toEqual([]);
  });

  it('reject fields that are misspelt, missing, or of the wrong type', async () => {
    const sidecar = readFileSync(join(DEPLOY, 'kubernetes/sidecar.yaml'), 'utf8');
    const wrong = [
      sidecar.replace('mountPath: /state', 'mountpath: /state'),
      sidecar.replace('backoffLimit: 0', 'backoffLimit: "0"'),
      sidecar.replace('- name: polytrack\n', '- nam: polytrack\n'),
      readFileSync(join(DEPLOY, 'polyaxon/operation.yaml'), 'utf8').replace('kind: job', 'kind: jobb'),
    ];
    for (const [index, text] of wrong.entries()) {
      const file = join(createTempDir(), 'wrong.yaml');
      writeFileSync(file, text);
      expect(await findProblems(file), String(index)).not.toEqual([]);
    }
  });
});

describe('the manifests', () => {
  const { version } = JSON.parse(
    readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8'),
  ) as { version: string };

  const texts = MANIFESTS.map((file) => [relative(DEPLOY, file), readFileSync(file, 'utf8')] as const);
  const withImage = texts.filter(([, text]) => /image: /.test(text));

  it.each(withImage)('%s uses the image of this version and a user other than root', (_, text) => {
    expect(text.match(/image: polytrack:(\S+)/)?.[1]).toBe(version);
    expect(text).toContain('runAsNonRoot: true');
  });
});
