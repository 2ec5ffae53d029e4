/** Checks the manifests in `deploy/` against the published schemas and the version of this package. */

import { execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWithPeers, peerPath } from '../support/peers.js';
import { runPolyaxonPython } from '../support/polyaxon.js';
import { createSharedTempDir, createTempDir } from '../support/temp-dir.js';

const DEPLOY = fileURLToPath(new URL('../../deploy', import.meta.url));
const CHECK = fileURLToPath(new URL('check_manifests.py', import.meta.url));
const MANIFESTS = readdirSync(DEPLOY, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.yaml'))
  .map((path) => join(DEPLOY, path));

const sidecar = readFileSync(join(DEPLOY, 'kubernetes/sidecar.yaml'), 'utf8');
const operation = readFileSync(join(DEPLOY, 'polyaxon/operation.yaml'), 'utf8');
const WRONG = {
  'a misspelt field': sidecar.replace('mountPath: /state', 'mountpath: /state'),
  'a value of the wrong type': sidecar.replace('backoffLimit: 0', 'backoffLimit: "0"'),
  'a missing field': sidecar.replace('- name: polytrack\n', '- nam: polytrack\n'),
  'an unknown kind of an operation': operation.replace('kind: job', 'kind: jobb'),
};

describeWithPeers(['polyaxon'], 'the published schemas', () => {
  const directory = createSharedTempDir();
  const toFile = (title: string): string => join(directory, `${title}.yaml`);
  let problems: Readonly<Record<string, readonly string[]>>;
  // Starting Python takes longer than all checks.
  beforeAll(async () => {
    for (const [title, text] of Object.entries(WRONG)) writeFileSync(toFile(title), text);
    const { stdout } = await runPolyaxonPython(CHECK, [...MANIFESTS, ...Object.keys(WRONG).map(toFile)]);
    problems = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as typeof problems;
  });

  it('accept every manifest', () => {
    expect(MANIFESTS.length).toBeGreaterThanOrEqual(15);
    expect(MANIFESTS.flatMap((file) => problems[file])).toEqual([]);
  });

  it.each(Object.keys(WRONG))('reject %s', (title) => {
    expect(problems[toFile(title)]).not.toEqual([]);
  });
});

describeWithPeers(['kubernetes'], 'the code that defines objects, Pod Security and dashboards', () => {
  async function check(...paths: string[]): Promise<string[]> {
    const { stdout } = await promisify(execFile)(peerPath('kubernetes'), paths);
    return JSON.parse(stdout) as string[];
  }
  const KUBERNETES = join(DEPLOY, 'kubernetes');

  it('accepts all objects, also as Kustomize builds them, each pod as "restricted", and the dashboard', async () => {
    const directories = ['shared-volume', 'node-local', 'monitoring'].map((name) => join(KUBERNETES, name));
    const files = [join(KUBERNETES, 'sidecar.yaml'), join(KUBERNETES, 'monitoring/dashboard.json')];

    expect(await check(...directories, ...files)).toEqual([]);
  });

  it.each([
    ['identity/aws', 'shared-volume'],
    ['identity/google', 'shared-volume'],
    ['identity/azure', 'shared-volume'],
    ['leases', 'sharded-volume'],
  ])('accepts the component %s in %s', async (component, resource) => {
    const directory = createTempDir();
    cpSync(KUBERNETES, join(directory, 'kubernetes'), { recursive: true });
    const kustomization = {
      resources: [`kubernetes/${resource}`],
      components: [`kubernetes/${component}`],
    };
    writeFileSync(join(directory, 'kustomization.yaml'), JSON.stringify(kustomization));

    expect(await check(directory)).toEqual([]);
  });

  it.each([
    ['"displayMode"', '"displayMod"', "unexpected field 'displayMod'"],
    ['"type": "stat"', '"type": "graph"', 'no panels of the type graph'],
  ])('rejects a dashboard with %s replaced by %s', async (from, to, reason) => {
    const file = join(createTempDir(), 'dashboard.json');
    const text = readFileSync(join(KUBERNETES, 'monitoring/dashboard.json'), 'utf8');
    writeFileSync(file, text.replaceAll(from, to));

    expect((await check(file)).join('\n')).toContain(reason);
  });

  it.each([
    ['runAsNonRoot: true', 'runAsNonRoot: false', 'runAsNonRoot'],
    ['drop: [ALL]', 'drop: []', 'unrestricted capabilities'],
    ['persistentVolumeClaim: { claimName: train }', 'hostPath: { path: /tmp }', 'hostPath'],
    ['backoffLimit: 0', 'backoffLimits: 0', 'unknown field'],
  ])('rejects a sidecar with %s replaced by %s', async (from, to, reason) => {
    const file = join(createTempDir(), 'wrong.yaml');
    writeFileSync(file, sidecar.replace(from, to));

    expect((await check(file)).join('\n')).toContain(reason);
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
