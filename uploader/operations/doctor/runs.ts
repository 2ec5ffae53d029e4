/** Checks the runs of a root: whether each has recorded its end, and whether its event files can be read. */

import { join } from 'node:path';
import { quote } from '../../../src/base/describe.js';
import { RunsNotFoundError } from '../../../src/base/errors.js';
import { listEventFiles } from '../../../src/format/reader/list-event-files.js';
import { createLocalSource } from '../../../src/reading/local-source.js';
import { formatBytes, formatCount } from '../../base/format.js';
import { checkFiles } from '../inspect/fsck.js';
import { collectRuns, type DiskAccess } from '../runs/find-run.js';
import { createShortener } from '../runs/match-run.js';
import { type LoadedRow, readRows } from '../runs/read-rows.js';
import { findValue } from '../runs/run-row.js';
import { type DoctorFinding, ok, problem, warning } from './finding.js';

const SHOWN = 3;
/** Event files are read as a whole, so only those of the newest runs are: about a second. */
const MAX_READ_BYTES = 256 * 1024 * 1024;

/** Checks the runs of a root, one run, or a directory of event files. */
export async function checkRuns(path: string, access: DiskAccess): Promise<DoctorFinding[]> {
  const rows = await readRuns(path, access);
  if (rows === null) return checkEventFiles([{ name: path, directory: path }], path, access);
  const newestFirst = [...rows].sort((a, b) => toTime(b) - toTime(a));
  const names = toNames(newestFirst, rows);
  const runs = newestFirst.map(({ run }, index) => ({ name: names[index]!, directory: run.location }));
  return [...checkEnds(newestFirst), ...(await checkEventFiles(runs, path, access))];
}

/** Returns null for a directory that is no root and no run. */
async function readRuns(path: string, access: DiskAccess): Promise<LoadedRow[] | null> {
  try {
    const runs = await collectRuns([createLocalSource(path)], access);
    // Facts only: the metrics of live runs are not needed.
    return await readRows(runs, { ...access, columns: ['status'], others: [] });
  } catch (error) {
    if (error instanceof RunsNotFoundError) return null;
    throw error;
  }
}

function toTime({ run }: LoadedRow): number {
  return (run.createdAt ?? run.startedAt)?.getTime() ?? 0;
}

function checkEnds(rows: readonly LoadedRow[]): DoctorFinding[] {
  const lost = rows.filter(({ isLost }) => isLost);
  const running = rows.filter((row) => findValue(row, 'status') === 'running').length;
  const count = `${formatCount(rows.length, 'run')}${running === 0 ? '' : `, ${running} of them running`}`;
  const findings: DoctorFinding[] = [ok('runs', count)];
  if (lost.length > 0)
    findings.push(
      warning(
        'runs',
        `${formatCount(lost.length, 'run')} ended without recording it: ${listNames(toNames(lost, rows))}`,
        'Continue a run with resume: true, or leave it: polytrack sync uploads what it has logged. polytrack fsck <run> checks its files.',
      ),
    );
  const unreadable = rows.filter(({ problems }) => problems.length > 0);
  if (unreadable.length > 0) {
    const [first] = unreadable[0]!.problems;
    findings.push(
      problem(
        'runs',
        `${formatCount(unreadable.length, 'run')} cannot be read completely: ${listNames(toNames(unreadable, rows))}: ${first!.message}`,
        first!.hint,
      ),
    );
  }
  return findings;
}

function toNames(some: readonly LoadedRow[], all: readonly LoadedRow[]): string[] {
  const shorten = createShortener(all.flatMap(({ run }) => run.uuid ?? []));
  return some.map(({ run: { name, uuid, location } }) =>
    uuid === null ? location : `${name === null ? '' : `${quote(name)} `}${shorten(uuid)}`,
  );
}

function listNames(names: readonly string[]): string {
  const rest = names.length - SHOWN;
  return `${names.slice(0, SHOWN).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

interface Checked {
  readonly name: string;
  readonly directory: string;
}

/** `runs`: in the order in which they are read; `path`: what the user named. */
async function checkEventFiles(
  runs: readonly Checked[],
  path: string,
  access: DiskAccess,
): Promise<DoctorFinding[]> {
  const damaged: string[] = [];
  let files = 0;
  let readBytes = 0;
  let checked = 0;
  for (const { name, directory } of runs) {
    access.signal.throwIfAborted();
    const sizeBytes = await sumEventFiles(directory, access);
    if (checked > 0 && readBytes + sizeBytes > MAX_READ_BYTES) break;
    readBytes += sizeBytes;
    checked += 1;
    const found = await checkFiles(directory, access.signal);
    files += found.length;
    // A file that ends within a record is being written, or its writer has crashed: viewers show all of it.
    if (found.some(({ problems }) => problems.some(({ kind }) => kind !== 'tail'))) damaged.push(name);
  }
  const count = `${formatCount(files, 'file')} (${formatBytes(readBytes)})`;
  const rest = checked < runs.length ? ` of the newest ${formatCount(checked, 'run')}` : '';
  if (damaged.length > 0)
    return [
      problem(
        'event files',
        `${count}${rest} checked; damaged: ${listNames(damaged)}`,
        `See what viewers show: polytrack fsck ${path}. --repair <directory> writes repaired copies.`,
      ),
    ];
  const more = rest === '' ? '' : `; polytrack fsck ${path} checks all`;
  return [ok('event files', `${count}${rest} without damage${more}`)];
}

async function sumEventFiles(directory: string, { io }: DiskAccess): Promise<number> {
  const paths = (await listEventFiles(directory)).flatMap((run) =>
    run.files.map((file) => join(run.directory, file)),
  );
  const stats = await io.fileSystem.lstatAll(paths);
  return stats.reduce((sum, stat) => sum + (stat instanceof Error ? 0 : stat.sizeBytes), 0);
}
