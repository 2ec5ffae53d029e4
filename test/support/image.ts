/**
 * Does by hand what deploy/Dockerfile says, without a container engine: copies the files of the final stage into a directory, and runs its entry point
 * in it as the user of the image.
 */

import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CliResult } from './cli.js';
import { createSharedTempDir } from './temp-dir.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));

interface LockEntry {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Container engines take it from /etc/passwd of the base image. It does not exist here. */
const HOME = '/home/nonroot';

/** What runs a command in the image: root with its own mounts, or the user of the tests in an ordinary directory. */
const canMount =
  process.getuid?.() === 0 &&
  execFileSync('sh', ['-c', 'unshare -m true 2>/dev/null; echo $?']).toString() === '0\n';

export interface Image {
  /** The root directory. */
  readonly root: string;
  /** Whether the root is read-only and the user that of the image. Otherwise a temporary directory replaces the volume of the state. */
  readonly isContained: boolean;
  /** Runs the entry point. `state`: a directory to mount at `/state`. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>, state?: string): Promise<CliResult>;
}

/** The instructions of each stage, without comments. */
export function readStages(dockerfile: string): string[][] {
  const text = dockerfile.replace(/^#.*\n/gm, '').replaceAll('\\\n', ' ');
  const [, ...stages] = text.split(/^(?=FROM )/m);
  return stages.map((stage) => stage.split('\n').filter((line) => line.trim() !== ''));
}

export function createImage(): Image {
  const [, final = []] = readStages(readFileSync(join(repository, 'deploy/Dockerfile'), 'utf8'));
  const root = createSharedTempDir();
  chmodSync(root, 0o755);
  const built = prepareBuild();
  let workdir = '/';
  const env: Record<string, string> = {};
  let user = '';
  let entryPoint: string[] = [];
  for (const line of final) {
    const [instruction = '', ...words] = line.split(/\s+/);
    const rest = words.join(' ');
    if (instruction === 'WORKDIR') workdir = rest;
    else if (instruction === 'USER') user = rest;
    else if (instruction === 'ENTRYPOINT') entryPoint = JSON.parse(rest) as string[];
    else if (instruction === 'ENV')
      Object.assign(env, Object.fromEntries(words.map((word) => word.split('='))));
    else if (instruction === 'COPY') {
      const [source = '', target = ''] = words.filter((word) => !word.startsWith('--'));
      const name = target.endsWith('/') ? join(target, source.split('/').at(-1) ?? '') : target;
      const place = join(root, resolve(workdir, name));
      mkdirSync(dirname(place), { recursive: true });
      renameSync(join(built, source), place);
      const owner = /--chown=(\S+)/.exec(rest)?.[1];
      if (owner !== undefined && canMount) execFileSync('chown', ['-R', owner, place]);
    }
  }
  if (!canMount)
    return { root, isContained: false, run: (args, given) => runPlainly(root, env, args, given) };
  copyNode(root, entryPoint[0] ?? '');
  for (const mount of ['dev/shm', 'proc', 'runs']) mkdirSync(join(root, mount), { recursive: true });
  return {
    root,
    isContained: true,
    run: (args, given = {}, state) => {
      const mounts = [
        `mount --bind ${root} ${root}`,
        `mount -t tmpfs -o mode=1777 none ${root}/dev/shm`,
        `mount -t proc none ${root}/proc 2>/dev/null || mount --rbind /proc ${root}/proc`,
        ...(state === undefined ? [] : [`mount --bind ${state} ${root}/state`]),
        `mount -o remount,ro,bind ${root}`,
        `exec chroot --userspec=${user} ${root} "$@"`,
      ];
      const command = ['-m', 'sh', '-ec', mounts.join('\n'), 'sh', ...entryPoint, ...args];
      return execute('unshare', command, { PATH: process.env.PATH ?? '', HOME, ...env, ...given });
    },
  };
}

function runPlainly(
  root: string,
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  given: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const paths = args.map((arg) => (arg === '/runs' ? join(root, arg) : arg));
  const own = { ...env, POLYTRACK_STATE_DIR: createSharedTempDir(), ...given };
  return execute(process.execPath, [join(root, 'app/dist/uploader/cli.js'), ...paths], own);
}

function execute(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<CliResult> {
  return new Promise((done) => {
    execFile(command, args, { env, timeout: 120_000 }, (error, stdout, stderr) => {
      done({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : null, stdout, stderr });
    });
  });
}

/** Returns a directory with the results of the first stage, whose steps are `npm ci`, `npm run build`, and an installation without development dependencies. */
function prepareBuild(): string {
  const home = createSharedTempDir();
  const build = join(home, 'build');
  mkdirSync(build);
  mkdirSync(join(home, 'state'));
  writeFileSync(join(build, 'package.json'), readFileSync(join(repository, 'package.json')));
  execFileSync(process.execPath, [join(repository, 'scripts/prepare-image.mjs')], { cwd: build });
  copy(join(repository, 'dist'), join(build, 'dist'));
  const lock = JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, LockEntry>>;
  };
  const wanted = JSON.parse(readFileSync(join(build, 'package.json'), 'utf8')) as LockEntry;
  const found = new Set<string>();
  addPackages('', wanted, lock.packages, found);
  // A nested package comes with the one that contains it.
  for (const path of found)
    if (!existsSync(join(build, path))) copy(join(repository, path), join(build, path));
  return home;
}

/** Several times faster than `cpSync` for many files. */
function copy(source: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  execFileSync('cp', ['-r', source, target]);
}

/** Adds the paths of the packages that the package at `path` needs, as Node.js finds them. */
function addPackages(
  path: string,
  { dependencies, optionalDependencies, peerDependencies }: LockEntry,
  packages: Readonly<Record<string, LockEntry>>,
  found: Set<string>,
): void {
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
    let base = path;
    let place = join(base, 'node_modules', name);
    while (!(place in packages) && base !== '') {
      base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')));
      place = join(base, 'node_modules', name);
    }
    const entry = packages[place];
    if (entry === undefined || found.has(place) || !existsSync(join(repository, place))) continue;
    found.add(place);
    addPackages(place, entry, packages, found);
  }
}

/** Copies Node.js and the libraries that it loads, which the base image has. */
function copyNode(root: string, target: string): void {
  const node = realpathSync(process.execPath);
  const libraries = execFileSync('ldd', [node], { encoding: 'utf8' }).match(/\/\S+(?= \(0x)/g) ?? [];
  mkdirSync(dirname(join(root, target)), { recursive: true });
  cpSync(node, join(root, target));
  for (const library of libraries) {
    mkdirSync(dirname(join(root, library)), { recursive: true });
    cpSync(realpathSync(library), join(root, library));
  }
}
