import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  captureGit,
  type GitCapture,
  stripCredentials,
  toBrowserUrl,
  toCodeReference,
} from '../../src/capture/git.js';
import { createMasker } from '../../src/capture/secrets.js';
import { createTempDir } from '../support/temp-dir.js';

const environment: NodeJS.ProcessEnv = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Jane',
  GIT_AUTHOR_EMAIL: 'jane@example.com',
  GIT_COMMITTER_NAME: 'Jane',
  GIT_COMMITTER_EMAIL: 'jane@example.com',
};
const masker = createMasker({ PLANTED_TOKEN: 'planted-secret-1' });

class Repository {
  readonly path = join(createTempDir(), 'demo');

  constructor() {
    mkdirSync(this.path);
    this.git('init', '--quiet', '--initial-branch=trunk');
  }

  git(...args: readonly string[]): string {
    return execFileSync('git', args, { cwd: this.path, env: environment, encoding: 'utf8' }).trim();
  }

  write(path: string, content: string | Uint8Array): void {
    writeFileSync(join(this.path, path), content);
  }

  read(path: string): Buffer {
    return readFileSync(join(this.path, path));
  }

  commit(files: Record<string, string | Uint8Array>): string {
    for (const [path, content] of Object.entries(files)) this.write(path, content);
    this.git('add', '--all');
    this.git('commit', '--quiet', '--message', 'change');
    return this.git('rev-parse', 'HEAD');
  }

  capture(options: Parameters<typeof captureGit>[2] = {}): Promise<GitCapture | undefined> {
    return captureGit(this.path, masker, { environment, ...options });
  }

  /** Creates a copy at the same commit, and applies the captured diff. */
  reproduce(diff: Uint8Array): Repository {
    const copy = new Repository();
    copy.git('pull', '--quiet', this.path, this.git('rev-parse', 'HEAD'));
    copy.write('../captured.diff', diff);
    copy.git('apply', '../captured.diff');
    return copy;
  }
}

/** Creates a program named `git`, and returns its directory for the PATH. */
function createFakeGit(script: string): string {
  const directory = createTempDir();
  writeFileSync(join(directory, 'git'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, 'git'), 0o755);
  return directory;
}

function textOf(capture: GitCapture | undefined): string {
  return Buffer.from(capture?.diff ?? []).toString('utf8');
}

describe('captureGit', () => {
  it('returns the commit, branch and remote of a clean repository', async () => {
    const repository = new Repository();
    const commit = repository.commit({ 'train.ts': 'one\n' });
    repository.git('remote', 'add', 'backup', 'https://example.com/backup.git');
    repository.git('remote', 'add', 'origin', 'https://bob:planted-secret-1@example.com/acme/demo.git');

    expect(await repository.capture()).toEqual({
      commit,
      branch: 'trunk',
      remoteUrl: 'https://example.com/acme/demo.git',
      isDirty: false,
      untrackedCount: 0,
      diff: null,
      diffBytes: 0,
      isDiffCut: false,
      problems: [],
    });
  });

  it('returns differences from the commit, staged or not, as a diff that can be applied', async () => {
    const repository = new Repository();
    const latin1 = Buffer.from('caf\xe9\nsecond\n', 'latin1');
    repository.commit({
      'a.txt': 'one\n',
      'b.txt': 'one\n',
      'c.txt': latin1,
      'd.txt': 'gone\n',
      'e é.txt': 'x\n',
    });
    repository.write('a.txt', 'staged\n');
    repository.git('add', 'a.txt');
    repository.write('b.txt', 'not staged\n');
    repository.write('c.txt', Buffer.from('caf\xe9\nchang\xe9\n', 'latin1'));
    repository.write('e é.txt', 'y\n');
    repository.git('rm', '--quiet', 'd.txt');
    repository.write('untracked.txt', 'x');
    repository.write('? odd\nname', 'x');
    mkdirSync(join(repository.path, 'folder'));
    repository.write('folder/1', 'x');
    repository.write('folder/2', 'x');

    const capture = await repository.capture();
    const copy = repository.reproduce(capture!.diff!);

    expect(capture).toMatchObject({ isDirty: true, untrackedCount: 3, isDiffCut: false, problems: [] });
    expect(capture!.diffBytes).toBe(capture!.diff!.length);
    for (const path of ['a.txt', 'b.txt', 'c.txt', 'e é.txt']) {
      expect(copy.read(path)).toEqual(repository.read(path));
    }
    expect(existsSync(join(copy.path, 'd.txt'))).toBe(false);
  });

  it('counts a rename as a change for any old path', async () => {
    const repository = new Repository();
    repository.commit({ '? old': 'content of some length\n'.repeat(5) });
    repository.git('mv', '? old', 'new');

    expect(await repository.capture()).toMatchObject({ isDirty: true, untrackedCount: 0 });
  });

  it('masks secrets in the diff', async () => {
    const repository = new Repository();
    repository.commit({ 'config.ts': 'const a = 1;\n' });
    repository.write('config.ts', 'const a = "planted-secret-1";\nconst password = "hunter-two";\n');

    const diff = textOf(await repository.capture());

    expect(diff).toContain('+const a = "***";\n+const password = "***";\n');
    expect(diff).not.toMatch(/planted|hunter/);
  });

  it('returns paths relative to the repository root when called in a subdirectory', async () => {
    const repository = new Repository();
    mkdirSync(join(repository.path, 'folder'));
    repository.commit({ 'a.txt': 'one\n', 'folder/b.txt': 'one\n' });
    repository.git('config', 'diff.relative', 'true');
    repository.git('config', 'diff.noprefix', 'true');
    repository.write('a.txt', 'two\n');

    const capture = await captureGit(join(repository.path, 'folder'), masker, { environment });

    expect(textOf(capture)).toContain('diff --git a/a.txt b/a.txt');
  });

  it('truncates a long diff between files, so that the rest can be applied', async () => {
    const repository = new Repository();
    repository.commit({ 'a.txt': '', 'b.txt': '', 'c.txt': '' });
    for (const path of ['a.txt', 'b.txt', 'c.txt']) repository.write(path, `${path}\n`.repeat(1000));

    const capture = await repository.capture({ maxDiffBytes: 15_000 });
    const copy = repository.reproduce(capture!.diff!);

    expect(capture!.isDiffCut).toBe(true);
    expect(capture!.diffBytes).toBeGreaterThan(21_000);
    expect(capture!.diff!.length).toBeLessThan(15_000);
    expect(textOf(capture)).toMatch(/\n# cut here: \d+ of \d+ bytes\n$/);
    expect(copy.read('a.txt')).toEqual(repository.read('a.txt'));
    expect(copy.read('c.txt').length).toBe(0);
  });

  it('truncates the diff of one file at the end of a line, without splitting a secret', async () => {
    const repository = new Repository();
    repository.commit({ 'a.txt': '' });
    repository.write('a.txt', 'planted-secret-1\n'.repeat(20_000));

    for (let limit = 1000; limit < 1020; limit++) {
      const capture = await repository.capture({ maxDiffBytes: limit });

      expect(textOf(capture)).toMatch(/\n\+\*\*\*\n# cut here/);
      expect(textOf(capture)).not.toContain('plant');
      expect(capture!.diff!.length).toBeLessThan(limit + 100);
    }
  });

  it('returns staged changes before the first commit', async () => {
    const repository = new Repository();
    repository.write('a.txt', 'one\n');
    repository.git('add', 'a.txt');

    const capture = await repository.capture();

    expect(capture).toMatchObject({
      commit: null,
      branch: 'trunk',
      isDirty: true,
      remoteUrl: null,
      problems: [],
    });
    expect(textOf(capture)).toContain('+one');
    expect(toCodeReference(capture!)).toBeUndefined();
  });

  it('returns no branch when none is checked out', async () => {
    const repository = new Repository();
    const commit = repository.commit({ 'a.txt': 'one\n' });
    repository.git('checkout', '--quiet', '--detach');

    const capture = await repository.capture();

    expect(capture).toMatchObject({ commit, branch: null });
    expect(toCodeReference(capture!)).toEqual({ commit, branch: 'HEAD', url: '', is_dirty: false });
  });

  it('lets no other user read the copy of the index', async () => {
    const repository = new Repository();
    repository.commit({ 'a.txt': 'one\n' });
    repository.write('a.txt', 'two\n');
    const seen = join(createTempDir(), 'seen');
    const script = `[ -z "$GIT_INDEX_FILE" ] || stat -c '%a %n' "$(dirname "$GIT_INDEX_FILE")" >> ${seen}\nPATH=${process.env.PATH} exec git "$@"`;
    const path = `${createFakeGit(script)}:${process.env.PATH}`;

    const capture = await repository.capture({ environment: { ...environment, PATH: path } });

    expect(textOf(capture)).toContain('+two');
    const [mode, copy] = readFileSync(seen, 'utf8').trim().split(' ');
    expect(mode).toBe('700');
    expect(existsSync(copy!)).toBe(false);
  });

  it('supports linked working trees', async () => {
    const repository = new Repository();
    const commit = repository.commit({ 'a.txt': 'one\n' });
    repository.git('worktree', 'add', '--quiet', '-b', 'side', '../side');

    const capture = await captureGit(join(repository.path, '../side'), masker, { environment });

    expect(capture).toMatchObject({ commit, branch: 'side', isDirty: false });
  });

  it('runs no hooks, file system monitors, textconv or external diff, and changes nothing', async () => {
    const repository = new Repository();
    const marker = join(repository.path, '../ran');
    const program = join(repository.path, '../program');
    repository.commit({ 'a.txt': 'one\n', 'b.bin': 'one\n', '.gitattributes': '*.bin diff=custom\n' });
    writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> '${marker}'\n`);
    chmodSync(program, 0o755);
    repository.git('config', 'core.fsmonitor', program);
    repository.git('config', 'diff.external', program);
    repository.git('config', 'diff.custom.textconv', program);
    repository.git('config', 'diff.custom.command', program);
    const hooks = join(repository.path, '../hooks');
    mkdirSync(hooks);
    for (const hook of ['post-index-change', 'fsmonitor-watchman']) {
      writeFileSync(join(hooks, hook), readFileSync(program));
      chmodSync(join(hooks, hook), 0o755);
    }
    repository.git('config', 'core.hooksPath', hooks);
    repository.write('a.txt', 'two\n');
    repository.write('b.bin', 'two\n');
    // The index now has an old time for this file, so that an ordinary `git status` would rewrite it.
    utimesSync(join(repository.path, '.gitattributes'), 1, 1);
    const index = repository.read('.git/index');

    const capture = await repository.capture({ environment: { ...environment, GIT_EXTERNAL_DIFF: program } });

    expect(textOf(capture)).toContain('+two');
    expect(existsSync(marker)).toBe(false);
    expect(repository.read('.git/index')).toEqual(index);
    expect(readdirSync(join(repository.path, '.git')).filter((name) => name.endsWith('.lock'))).toEqual([]);
  });

  it('detects a file that changed in the same second as the commit and kept its length', async () => {
    const repository = new Repository();
    repository.commit({ 'a.txt': 'one\n' });
    const index = join(repository.path, '.git/index');
    // All times are in one second, long ago, because git compares whole seconds.
    utimesSync(join(repository.path, 'a.txt'), 1_700_000_000, 1_700_000_000);
    repository.git('update-index', '--refresh');
    repository.write('a.txt', 'two\n');
    utimesSync(join(repository.path, 'a.txt'), 1_700_000_000, 1_700_000_000);
    utimesSync(index, 1_700_000_000, 1_700_000_000);

    expect(textOf(await repository.capture())).toContain('+two');
  });

  it('works while the index is locked', async () => {
    const repository = new Repository();
    const commit = repository.commit({ 'a.txt': 'one\n' });
    repository.write('.git/index.lock', '');

    expect(await repository.capture()).toMatchObject({ commit, isDirty: false, problems: [] });
  });

  it('uses the repository of the directory, and ignores variables of git', async () => {
    const repository = new Repository();
    const commit = repository.commit({ 'a.txt': 'one\n' });
    const other = new Repository();
    other.commit({ 'b.txt': 'one\n' });

    const capture = await repository.capture({
      environment: { ...environment, GIT_DIR: join(other.path, '.git'), GIT_WORK_TREE: other.path },
    });

    expect(capture).toMatchObject({ commit, isDirty: false });
  });

  it('fetches nothing into a partial clone, and reports the missing object', async () => {
    const origin = new Repository();
    const commit = origin.commit({ 'a.txt': 'one\n' });
    origin.git('config', 'uploadpack.allowFilter', 'true');
    const clone = new Repository();
    clone.git(
      'clone',
      '--quiet',
      '--no-checkout',
      '--filter=blob:none',
      `file://${origin.path}`,
      '../partial',
    );
    const partial = join(clone.path, '../partial');
    const blob = origin.git('rev-parse', 'HEAD:a.txt');

    const capture = await captureGit(partial, masker, { environment });

    expect(capture!.commit).toBe(commit);
    expect(capture!.problems.join()).toMatch(/git diff: /);
    const objects = execFileSync('git', ['cat-file', '--batch-all-objects', '--batch-check'], {
      cwd: partial,
      env: environment,
      encoding: 'utf8',
    });
    expect(objects).not.toContain(blob);
  });

  it('returns undefined without a repository or a directory', async () => {
    const directory = createTempDir();
    const ceiling = { ...environment, GIT_CEILING_DIRECTORIES: directory };

    expect(await captureGit(directory, masker, { environment: ceiling })).toBeUndefined();
    expect(await captureGit(join(directory, 'missing'), masker, { environment })).toBeUndefined();
  });

  it('reports that git is missing only inside a repository', async () => {
    const repository = new Repository();
    const withoutGit = { ...environment, PATH: createTempDir() };

    expect(await repository.capture({ environment: withoutGit })).toMatchObject({
      commit: null,
      isDirty: null,
      problems: [expect.stringContaining('git could not be started')],
    });
    expect(await captureGit(createTempDir(), masker, { environment: withoutGit })).toBeUndefined();
  });

  it('reports the message of git when git rejects the repository', async () => {
    const repository = new Repository();
    const message = "fatal: detected dubious ownership in repository at '/planted-secret-1'";
    const path = createFakeGit(`echo "warning: first" >&2; echo "${message}" >&2; exit 128`);

    const capture = await repository.capture({ environment: { ...environment, PATH: path } });

    expect(capture!.problems).toEqual([
      "git rev-parse: fatal: detected dubious ownership in repository at '/***'",
    ]);
  });

  it('reports a damaged repository without failing', async () => {
    const repository = new Repository();
    const commit = repository.commit({ 'a.txt': 'one\n' });
    repository.write('.git/index', 'damaged');

    const capture = await repository.capture();

    expect(capture).toMatchObject({ commit, isDirty: null, untrackedCount: null, diff: null });
    expect(capture!.problems).toHaveLength(2);
  });

  it('returns what it has at the deadline, and stops git', async () => {
    const repository = new Repository();
    const commit = repository.commit({ 'a.txt': 'one\n' });
    const real = execFileSync('which', ['git'], { encoding: 'utf8' }).trim();
    const pidFile = join(createTempDir(), 'pid');
    const script = `case "$*" in *status*) echo $$ > '${pidFile}.new'; mv '${pidFile}.new' '${pidFile}'; exec sleep 600;; esac\nexec '${real}' "$@"`;
    const path = `${createFakeGit(script)}:${process.env.PATH}`;

    const capture = await repository.capture({
      environment: { ...environment, PATH: path },
      deadlineMs: 3_000,
    });

    expect(capture).toMatchObject({ commit, branch: 'trunk', isDirty: null });
    expect(capture!.problems[0]).toBe('git status took longer than 3000 ms');
    const pid = Number(readFileSync(pidFile, 'utf8'));
    await expect.poll(() => isAlive(pid)).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('toCodeReference', () => {
  it('has the keys of the Python client', async () => {
    const repository = new Repository();
    const commit = repository.commit({ 'a.txt': 'one\n' });
    repository.git('remote', 'add', 'upstream', 'git@github.com:acme/demo.git');
    renameSync(join(repository.path, 'a.txt'), join(repository.path, 'b.txt'));

    expect(toCodeReference((await repository.capture())!)).toEqual({
      commit,
      branch: 'trunk',
      url: 'https://github.com/acme/demo',
      is_dirty: true,
    });
  });
});

describe('stripCredentials', () => {
  it.each([
    ['https://github.com/acme/demo.git', 'https://github.com/acme/demo.git'],
    ['https://token123@github.com/acme/demo.git', 'https://github.com/acme/demo.git'],
    ['https://bob:p@ss@host:8443/acme/demo.git?private_token=x#y', 'https://host:8443/acme/demo.git'],
    ['http://host:8080/@scope/x.git', 'http://host:8080/@scope/x.git'],
    ['ssh://git@host:2222/acme/demo.git', 'ssh://git@host:2222/acme/demo.git'],
    ['ssh://git:secret@host/acme/demo.git', 'ssh://git@host/acme/demo.git'],
    ['git@github.com:acme/demo.git', 'git@github.com:acme/demo.git'],
    ['file:///srv/git/demo.git', 'file:///srv/git/demo.git'],
    ['../demo', '../demo'],
    ['C:\\repos\\demo', 'C:\\repos\\demo'],
  ])('turns %s into %s', (url, expected) => {
    expect(stripCredentials(url)).toBe(expected);
  });
});

describe('toBrowserUrl', () => {
  it.each([
    ['git@github.com:acme/demo.git', 'https://github.com/acme/demo'],
    ['git@github.com:me/me.github.io.git', 'https://github.com/me/me.github.io'],
    ['ssh://git@host:2222/acme/demo.git', 'https://host/acme/demo'],
    ['git+ssh://git@host/acme/demo', 'https://host/acme/demo'],
    ['https://github.com/acme/demo.git', 'https://github.com/acme/demo.git'],
    ['/srv/git/demo.git', '/srv/git/demo.git'],
    ['C:\\repos\\demo', 'C:\\repos\\demo'],
  ])('turns %s into %s', (url, expected) => {
    expect(toBrowserUrl(url)).toBe(expected);
  });
});
