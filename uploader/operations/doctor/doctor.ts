/** Checks everything that a set-up needs. Changes nothing, except for small files that it writes and removes to prove that it can. */

import { resolveRunEnvironment } from '../../../src/run/run-environment.js';
import { findStat } from '../../base/io/resolve-existing.js';
import { findConnection } from '../../polyaxon-api/connection.js';
import { findOfflineRoots } from '../../run-directory/offline-roots.js';
import { readSettings } from '../../settings/settings.js';
import { resolveConfig, toStateDirectory } from '../../settings/sync-config.js';
import type { Flags } from '../../settings/table.js';
import { type DiskAccess, findRunPath } from '../runs/find-run.js';
import { examineDirectory, toDirectoryFindings } from './directories.js';
import { attemptCheck, type DoctorFinding, ok, problem, warning } from './finding.js';
import { checkGit, checkNode, checkOwnVersion, checkPackages, checkTensorBoard } from './programs.js';
import { checkRuns } from './runs.js';
import { checkConfiguredStore, checkUploads } from './uploads.js';

interface DoctorOptions extends DiskAccess {
  readonly flags: Flags;
}

/** `argument`: a root, a run, or any log directory; undefined for the default roots. */
export async function examine(
  argument: string | undefined,
  options: DoctorOptions,
): Promise<DoctorFinding[]> {
  const { flags, environment, io, signal } = options;
  const findings: DoctorFinding[] = [...checkNode(), ...checkOwnVersion()];
  const add = async (name: string, check: () => Promise<readonly DoctorFinding[]>): Promise<void> => {
    signal.throwIfAborted();
    for (const finding of await attemptCheck(name, check)) findings.push(finding);
  };
  await add('TensorBoard', () => checkTensorBoard(options));
  await add('git', () => checkGit(options));
  await add('packages', async () => checkPackages());

  let isConfigured = false;
  let store: string | undefined;
  let stateDirectory = toStateDirectory(undefined, environment);
  await add('settings', async () => {
    const { values } = await readSettings(flags, environment, io.fileSystem);
    store = values.store;
    stateDirectory = toStateDirectory(values.stateDir, environment);
    isConfigured = true;
    return [];
  });
  await add('Polyaxon', () => checkPolyaxon(options));
  await add('state', () => checkStateDirectory(stateDirectory, options));

  const roots = await findRoots(argument, options);
  if (roots.length === 0)
    findings.push(
      warning('root', 'no default root has runs', 'Log a run, or pass a root: polytrack doctor <path>'),
    );
  for (const root of roots) {
    await add('root', () => checkRoot(root, options));
    if (findings.at(-1)?.level === 'problem') continue; // nothing below it can be read
    await add('runs', () => checkRuns(root, options));
    if (isConfigured) await add('upload', () => checkUploads(root, store, flags, options));
  }
  if (isConfigured)
    await add('store', async () => {
      if (store === undefined) return [ok('store', 'none is set, so runs stay on this host')];
      const { config } = await resolveConfig(roots[0] ?? '.', flags, environment, io.fileSystem);
      return checkConfiguredStore(config, options);
    });
  signal.throwIfAborted();
  return findings;
}

async function findRoots(argument: string | undefined, options: DoctorOptions): Promise<readonly string[]> {
  if (argument === undefined)
    return (await findOfflineRoots(options.environment, options.io.fileSystem)).found;
  return [await findRunPath(argument, options, { mayBeMissing: true })];
}

async function checkRoot(path: string, { io }: DoctorOptions): Promise<DoctorFinding[]> {
  if ((await findStat(io.fileSystem, path)) === null)
    return [problem('root', `${path} does not exist`, 'Pass an existing root, or the name of a run.')];
  return toDirectoryFindings('root', path, await examineDirectory(io, path), { isLocal: false });
}

async function checkStateDirectory(path: string, { io }: DoctorOptions): Promise<DoctorFinding[]> {
  if ((await findStat(io.fileSystem, path)) === null)
    return [ok('state', `${path} does not exist yet: the first sync or watch creates it`)];
  return toDirectoryFindings('state', path, await examineDirectory(io, path), { isLocal: true });
}

/** How the variables of Polyaxon change where runs are written and reported. */
async function checkPolyaxon({ environment, io }: DoctorOptions): Promise<DoctorFinding[]> {
  const name = 'Polyaxon';
  const names = Object.keys(environment)
    .filter((each) => each.startsWith('POLYAXON_') && environment[each] !== '')
    .sort();
  if (names.length === 0) return [ok(name, 'no POLYAXON_ variables are set')];
  const set = `${names.join(', ')} ${names.length === 1 ? 'is' : 'are'} set`;
  const { mode } = resolveRunEnvironment({}, environment as NodeJS.ProcessEnv);
  if (mode === 'no-op')
    return [warning(name, `${set}, so runs write nothing`, 'Unset POLYAXON_NO_OP to track runs.')];
  const { host, credentials } = await findConnection({}, environment, io.fileSystem);
  const token = (await credentials.describe()) ?? 'none';
  const where = mode === 'managed' ? 'in the directory that Polyaxon provides' : 'offline';
  return [ok(name, `${set}; server ${host}, token: ${token}; runs are written ${where}`)];
}
