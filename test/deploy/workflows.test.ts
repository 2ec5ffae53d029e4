/** The workflows of the repository and the unit of systemd: what they call exists, and they have no more rights than they need. */

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.js';
import { runPolyaxonPython } from '../support/polyaxon.js';
import { createTempDir } from '../support/temp-dir.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const WORKFLOWS = readdirSync(join(repository, '.github/workflows')).map(
  (name) => `.github/workflows/${name}`,
);

interface Step {
  readonly uses?: string;
  readonly run?: string;
}

interface Job {
  readonly 'timeout-minutes'?: number;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly name: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** The rights to write of each job, and what they are for. */
const WRITES: Readonly<Record<string, readonly string[]>> = {
  'docs.yml site': ['pages', 'id-token'],
  'release.yml package': ['id-token'],
  'release.yml image': ['packages', 'id-token'],
};

describeWithPeers(['polyaxon'], 'workflows', () => {
  let jobs: (readonly [string, Job, Workflow])[];
  beforeAll(async () => {
    const script = fileURLToPath(new URL('read_yaml.py', import.meta.url));
    const paths = WORKFLOWS.map((path) => join(repository, path));
    const { stdout } = await runPolyaxonPython(script, paths);
    const files = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Readonly<Record<string, Workflow>>;
    jobs = Object.entries(files).flatMap(([path, workflow]) =>
      Object.entries(workflow.jobs).map(
        ([name, job]) => [`${path.split('/').at(-1)} ${name}`, job, workflow] as const,
      ),
    );
  });

  it('run scripts of package.json, and files that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: object };
    const commands = jobs.flatMap(([, { steps }]) => steps.flatMap(({ run }) => run ?? []));
    const names = commands.flatMap((text) =>
      [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name!),
    );

    expect(names.length).toBeGreaterThanOrEqual(5);
    expect(names.filter((name) => !(name in scripts))).toEqual([]);
    const paths = commands.flatMap((text) => text.match(/\b(?:deploy|scripts|test)\/[\w./-]+/g) ?? []);
    expect(paths.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
  });

  it('may read, and write only where that is their purpose', () => {
    const writes: Record<string, string[]> = {};
    for (const [title, { permissions = {} }, workflow] of jobs) {
      expect(workflow.permissions, title).toEqual({ contents: 'read' });
      const names = Object.keys(permissions).filter((name) => permissions[name] !== 'read');
      if (names.length > 0) writes[title] = names;
    }
    expect(writes).toEqual(WRITES);
  });

  it('use each action in one major version', () => {
    const uses = new Set(jobs.flatMap(([, { steps }]) => steps.flatMap(({ uses: action }) => action ?? [])));
    const names = [...uses].map((action) => action.split('@')[0]);

    expect([...uses].filter((action) => !/^[\w-]+\/[\w-]+@v\d+$/.test(action))).toEqual([]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

describe('the unit of systemd', () => {
  const unit = read('deploy/systemd/polytrack.service');

  it('starts the uploader with settings that exist', () => {
    const settings = read('docs/settings.md');
    const sections = unit.match(/^\[.+\]$/gm);
    const variables = unit.match(/\bPOLYTRACK_\w+/g) ?? [];

    expect(sections).toEqual(['[Unit]', '[Service]', '[Install]']);
    expect(unit.split('\n').filter((line) => !/^(?:#.*|\[\w+\]|[A-Z]\w+=.*|)$/.test(line))).toEqual([]);
    expect(variables.filter((name) => !settings.includes(`\`${name}\``))).toEqual([]);
    expect(/^ExecStart=\S+ (\S+)/m.exec(unit)?.[1]).toBe('watch');
    const seconds = (key: string): number => Number(new RegExp(`\\b${key}=(\\d+)$`, 'm').exec(unit)?.[1]);
    expect(seconds('TimeoutStopSec')).toBeGreaterThan(seconds('POLYTRACK_SHUTDOWN_TIMEOUT'));
  });

  const hasSystemd = existsSync('/usr/bin/systemd-analyze');
  (hasSystemd ? it : () => undefined)('is accepted by systemd', () => {
    const directory = createTempDir();
    // It reports a program or a file that is not installed.
    const installed = unit
      .replace('/usr/local/bin/polytrack', process.execPath)
      .replace(/^EnvironmentFile=/m, 'EnvironmentFile=-');
    const file = join(directory, 'polytrack.service');
    writeFileSync(file, installed);
    const verify = (): string =>
      execFileSync('sh', ['-c', `systemd-analyze verify --man=no "${file}" 2>&1 || true`]).toString();

    expect(verify()).toBe('');
    writeFileSync(file, installed.replace('RestartSec=', 'RestartSecs='));
    expect(verify()).toMatch(/Unknown key (?:name )?'RestartSecs'/);
  });
});
