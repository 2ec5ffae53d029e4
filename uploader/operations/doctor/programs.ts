/** Checks the programs and packages that polytrack uses. */

import { findInstalledVersion, findOwnManifest } from '../../../src/base/own-package.js';
import { TensorBoardMissingError } from '../../base/errors.js';
import { runProgram } from '../../base/io/run-program.js';
import type { DiskAccess } from '../runs/find-run.js';
import { runTensorBoard } from '../tensorboard/run-tensorboard.js';
import { type DoctorFinding, ok, problem, warning } from './finding.js';

/** A program that does not answer, for example because it is on a disk that does not answer. */
const PROGRAM_TIMEOUT_MS = 60_000;

export function checkNode(version: string = process.versions.node): DoctorFinding[] {
  const range = findOwnManifest()?.engines?.node ?? '*';
  if (isInRange(version, range)) return [ok('Node.js', version)];
  return [problem('Node.js', `${version}, expected ${range}`, 'Install a newer version of Node.js.')];
}

export function checkOwnVersion(): DoctorFinding[] {
  return [ok('polytrack', findOwnManifest()?.version ?? 'unknown, because it is bundled')];
}

export async function checkTensorBoard(access: DiskAccess): Promise<DoctorFinding[]> {
  const name = 'TensorBoard';
  try {
    const { code, output, command } = await runTensorBoard(['--version'], toProgramOptions(access));
    const version = /^\d+\.\d+\S*/m.exec(output)?.[0];
    if (code === 0 && version !== undefined) return [ok(name, `${version}, started with ${command}`)];
    const line = output.trim().split('\n').at(-1) ?? '';
    return [
      warning(name, `${command} fails: ${line}`, 'Install it again: pip install --upgrade tensorboard'),
    ];
  } catch (error) {
    if (!(error instanceof TensorBoardMissingError)) throw error;
    return [warning(name, 'is not installed, so there is no polytrack ui', error.hint)];
  }
}

export async function checkGit(access: DiskAccess): Promise<DoctorFinding[]> {
  const end = await runProgram(['git', '--version'], toProgramOptions(access));
  const version = /\d+\.\S+/.exec(end?.output ?? '')?.[0];
  if (end?.code === 0 && version !== undefined) return [ok('git', version)];
  return [warning('git', 'is not installed, so runs do not record their commit', 'Install git.')];
}

function toProgramOptions({ environment, signal }: DiskAccess) {
  return { environment, signal: AbortSignal.any([signal, AbortSignal.timeout(PROGRAM_TIMEOUT_MS)]) };
}

/** What the optional packages of package.json are for. */
const PURPOSES: Readonly<Record<string, readonly [name: string, use: string]>> = {
  '@aws-sdk/client-s3': ['S3', 's3:// stores'],
  '@google-cloud/storage': ['GCS', 'gs:// stores'],
  '@azure/storage-blob': ['Azure', 'azure:// stores'],
  '@modelcontextprotocol/sdk': ['MCP', 'polytrack mcp'],
  'apache-arrow': ['Arrow', 'exports as Arrow'],
  'hyparquet-writer': ['Parquet', 'exports as Parquet'],
};

/** Lists the optional packages. A missing one is no problem: a store that needs it says so. */
export function checkPackages(
  findVersion: typeof findInstalledVersion = findInstalledVersion,
): DoctorFinding[] {
  return Object.entries(findOwnManifest()?.peerDependencies ?? {}).map(([library, range]) => {
    const [name, use] = PURPOSES[library] ?? [library, 'an optional feature'];
    const version = findVersion(library);
    const install = `npm install ${library}@${range.replace('^', '')}`;
    if (version === undefined) return ok(name, `not installed; for ${use}: ${install}`);
    if (isInRange(version, range)) return ok(name, `${library} ${version}`);
    return warning(name, `${library} ${version}, expected ${range}, for ${use}`, `Run: ${install}`);
  });
}

/** Whether a version is in a range of the forms that package.json has: `^1.2.3`, `>=1.2` and `*`. */
export function isInRange(version: string, range: string): boolean {
  const [, sign, least = ''] = /^(\^|>=)(\d+(?:\.\d+)*)$/.exec(range) ?? [];
  if (sign === undefined) return true;
  const found = toNumbers(version);
  const wanted = toNumbers(least);
  // `^`: all digits up to the first that is not zero are the same.
  const fixed = sign === '^' ? wanted.findIndex((digit) => digit > 0) + 1 : 0;
  if (wanted.slice(0, fixed).some((digit, index) => digit !== found[index])) return false;
  const place = wanted.findIndex((digit, index) => digit !== (found[index] ?? 0));
  return place === -1 || (found[place] ?? 0) > wanted[place]!;
}

function toNumbers(version: string): number[] {
  return version
    .replace(/[-+].*/, '')
    .replace(/^v/, '')
    .split('.')
    .map(Number);
}
