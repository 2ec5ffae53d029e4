/** Finds the run that the option `resume` names: by its name, its uuid in any form, or the first digits of its uuid. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseBoundedJson } from '../base/bounded-json.js';
import { describe, quote } from '../base/describe.js';
import { InvalidArgumentError, messageOf } from '../base/errors.js';
import type { Resume } from '../format/writer/event-file-options.js';
import { RUN_FILE, RUN_UUID_PATTERN, RUNS_DIRECTORY, toLinkName } from '../run-directory/layout.js';
import { parseRunFiles } from '../run-directory/run-files.js';
import { isRunNoOp } from './run-environment.js';
import { invalidOption, type RunOptions, resolveRoot, toCompactUuid } from './run-options.js';

/** Fewer digits are a name: with many runs, some uuid begins with them. */
const MIN_DIGITS = 8;
const SHOWN_CANDIDATES = 5;

/** The options of a run whose `resume` names no run. */
type ResolvedRunOptions = Omit<RunOptions, 'resume'> & { readonly resume?: Resume | undefined };

/**
 * Replaces the name of a run in `resume` by its uuid. Throws `ERR_RUN_UNKNOWN` and `ERR_RUN_AMBIGUOUS`, and `ERR_OPTION_INVALID` if another option
 * names a run too.
 */
export function resolveResume(options: RunOptions, env: NodeJS.ProcessEnv): ResolvedRunOptions {
  const { resume, ...rest } = options;
  const { run, ...point } = typeof resume === 'object' && resume !== null ? resume : { run: resume };
  if (typeof run === 'boolean' || run === undefined) {
    const isNamed = typeof resume === 'object' && resume !== null && 'run' in resume;
    return isNamed ? { ...rest, resume: toResume(point) } : (options as ResolvedRunOptions);
  }
  if (typeof run !== 'string' || run.trim() === '')
    throw invalidOption(
      `resume is ${describe(run)}, expected true, the name or uuid of a run, or { fromStep }`,
      "Pass resume: true with a uuid, or resume: 'name of the run'.",
    );
  if (rest.uuid !== undefined || rest.artifactsPath !== undefined)
    throw invalidOption(
      `resume is ${quote(run)}, and ${rest.uuid === undefined ? 'artifactsPath' : 'uuid'} is given too`,
      'Pass resume: true with it, or only the name of the run.',
    );
  // A run that writes nothing has no place in which to search.
  const uuid = isRunNoOp(options, env) ? undefined : findUuid(run, resolveRoot(rest.root, env));
  return { ...rest, uuid, resume: toResume(point) };
}

function toResume(point: { readonly fromStep?: number | bigint | undefined }): Resume {
  return 'fromStep' in point ? (point as Resume) : true;
}

interface Candidate {
  readonly uuid: string;
  readonly name: string | null;
  readonly createdAt: string | null;
}

function findUuid(reference: string, root: string): string {
  const digits = toCompactUuid(reference);
  if (RUN_UUID_PATTERN.test(digits)) return digits;
  const isPrefix = digits.length >= MIN_DIGITS && /^[0-9a-f]+$/.test(digits);
  const candidates = listRuns(root);
  const found = candidates.filter(
    ({ uuid, name }) =>
      name === reference ||
      (isPrefix && uuid.startsWith(digits)) ||
      toLinkName(name ?? '', uuid) === reference,
  );
  const [run, ...others] = found;
  if (run === undefined) {
    throw new InvalidArgumentError(
      'ERR_RUN_UNKNOWN',
      `resume: ${root} has no run with the name ${quote(reference)}, and none whose uuid begins with it`,
      'Run `polytrack runs` to list the runs, or omit `resume` to start a new one.',
    );
  }
  if (others.length === 0) return run.uuid;
  const sorted = found.sort((a, b) => ((a.createdAt ?? '') < (b.createdAt ?? '') ? 1 : -1));
  const shown = sorted
    .slice(0, SHOWN_CANDIDATES)
    .map(
      ({ uuid, name, createdAt }) =>
        `${quote(name ?? '')} ${uuid}${createdAt === null ? '' : ` of ${createdAt.slice(0, 19)}`}`,
    );
  const more = found.length > shown.length ? `; and ${found.length - shown.length} more` : '';
  throw new InvalidArgumentError(
    'ERR_RUN_AMBIGUOUS',
    `resume: ${quote(reference)} means ${found.length} runs in ${root}: ${shown.join('; ')}${more}`,
    'Pass the uuid of one of them.',
  );
}

/** Returns the runs of a root. A directory without a readable run file is left out, unless its name is a uuid. */
function listRuns(root: string): Candidate[] {
  let names: string[];
  try {
    names = readdirSync(join(root, RUNS_DIRECTORY));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return []; // No run has been written into the root.
    throw new InvalidArgumentError(
      'ERR_RUN_UNKNOWN',
      `resume: the runs of ${root} cannot be read: ${messageOf(error)}`,
      'Check the permissions of the directory, or pass the whole uuid of the run.',
    );
  }
  return names
    .filter((name) => RUN_UUID_PATTERN.test(name))
    .map((uuid) => {
      const record = readRecord(join(root, RUNS_DIRECTORY, uuid, RUN_FILE));
      return { uuid, name: record?.name ?? null, createdAt: record?.created_at ?? null };
    });
}

function readRecord(path: string) {
  try {
    return parseRunFiles({ record: parseBoundedJson(readFileSync(path, 'utf8')) }).record;
  } catch {
    return null; // It is being created, or damaged; its uuid still names it.
  }
}
