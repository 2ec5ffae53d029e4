/**
 * Finds which processes have files open for writing. Several commands may run programs in one working directory, and the name of an event
 * file does not always name its process.
 *
 * PyTorch, TensorFlow and polytrack put the process id into the name. It helps when the file is not open all the time.
 *
 * Source: proc(5). Other systems than Linux have no such directory: there, the writers are unknown.
 */

import { readdir, readFile, readlink } from 'node:fs/promises';
import { RUN_DIRECTORY_VARIABLE } from '../../../src/run/run-environment.js';

/** `own`: processes of this run. `other`: only processes outside of it. `none`: no process, or one that this user cannot examine. */
export type Writers = 'own' | 'other' | 'none' | 'unknown';

const WRITE_FLAGS = 0o3;
const MAX_ANCESTORS = 64;
/** `events.out.tfevents.<seconds>.<host>.<pid>.<number>[.v2]` */
const NAMED_PID = /tfevents\.\d+\..*?\.(\d+)\.\d+(?:\.v2)?$/;

/** Returns the writers of each path. The paths have no links. */
export async function findWriters(
  paths: readonly string[],
  runDirectory: string,
): Promise<Map<string, Writers>> {
  const found = new Map<string, Writers>(paths.map((path) => [path, 'none']));
  if (paths.length === 0) return found;
  const pids = await list('/proc').then((names) => names.filter((name) => /^\d+$/.test(name)));
  if (pids.length === 0) return new Map(paths.map((path) => [path, 'unknown']));
  for (const path of paths) {
    const relation = await findRelation(NAMED_PID.exec(path)?.[1] ?? '', runDirectory);
    // In a container, the number may be that of a process outside.
    if (relation !== 'unrelated') found.set(path, relation);
  }
  for (const pid of pids) {
    if (Number(pid) === process.pid) continue;
    for (const fd of await list(`/proc/${pid}/fd`)) {
      const path = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
      const known = found.get(path);
      if (known === undefined || known === 'own' || !(await isWriting(pid, fd))) continue;
      found.set(path, (await findRelation(pid, runDirectory)) === 'own' ? 'own' : 'other');
    }
  }
  return found;
}

async function isWriting(pid: string, fd: string): Promise<boolean> {
  const flags = /^flags:\s*([0-7]+)/m.exec(await read(`/proc/${pid}/fdinfo/${fd}`))?.[1] ?? '0';
  return (Number.parseInt(flags, 8) & WRITE_FLAGS) !== 0;
}

/** Whether programs of other runs are running, besides those that have started this process. */
export async function hasOtherRuns(runDirectory: string): Promise<boolean> {
  const ancestors = await listAncestors(String(process.pid));
  for (const pid of await list('/proc')) {
    if (!/^\d+$/.test(pid) || ancestors.includes(pid)) continue;
    if ((await findRelation(pid, runDirectory)) === 'other') return true;
  }
  return false;
}

/** `other`: a process of another run. A process may have left its parent, or have replaced its environment by its title, but rarely both. */
async function findRelation(pid: string, runDirectory: string): Promise<'own' | 'other' | 'unrelated'> {
  const environment = await read(`/proc/${pid}/environ`);
  const named = environment.split('\0').find((each) => each.startsWith(`${RUN_DIRECTORY_VARIABLE}=`));
  if (named !== undefined) return named === `${RUN_DIRECTORY_VARIABLE}=${runDirectory}` ? 'own' : 'other';
  return (await listAncestors(pid)).includes(String(process.pid)) ? 'own' : 'unrelated';
}

/** The process, its parent, and so on. */
async function listAncestors(pid: string): Promise<string[]> {
  const ancestors: string[] = [];
  for (let each = pid; Number(each) > 1 && ancestors.length < MAX_ANCESTORS; ) {
    ancestors.push(each);
    const stat = await read(`/proc/${each}/stat`);
    each = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? '';
  }
  return ancestors;
}

async function list(path: string): Promise<string[]> {
  return readdir(path).catch(() => []);
}

async function read(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
