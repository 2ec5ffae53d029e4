/** What reports, exit codes and `status` claim, compared with disk and store. */

import type { FoundStatus } from '../../uploader/engine/monitor/find-status.js';
import { toFileClass } from '../../uploader/pipeline/inventory/file-class.js';
import { type Place, RUN_FILE, recordsOf } from './places.js';

/** The contents of a key that count as stored. */
type Contents = (key: string) => readonly string[];

/**
 * Describes each file of a directory that the store lacks. A file that has changed since the command began may be stored as it was at any time
 * since; one that did not exist then may be missing. `mayBeCut`: of a log that was replaced meanwhile, the beginning is enough, because a
 * reader cannot know that it was never a whole file.
 */
export function* findUnstored(
  { uuid, directory, recent, writer }: Place,
  now: ReadonlyMap<string, string>,
  contentsOf: Contents,
  { mayBeCut }: { readonly mayBeCut: boolean },
): Generator<string> {
  // Without a run file, it is this run only by its name and event files: a pull was killed before it had written them, or its events are another run.
  const isNamed = directory.endsWith(`/${uuid}`) && [...now.keys()].some((each) => each.includes('tfevents'));
  if (!now.has(RUN_FILE) && !isNamed) return;
  for (const path of now.keys()) {
    if (recent[0]?.has(path) === false) continue;
    const stored = contentsOf(`${uuid}/${path}`);
    const isStored = (content: string | undefined): boolean =>
      content !== undefined &&
      stored.some((each) => each === content || (writer !== null && isAllButTorn(path, each, content)));
    const before = recent[0]?.get(path)?.length ?? 0;
    const isBeginning = (each: string): boolean =>
      each.length >= before && now.get(path)!.startsWith(each) && toFileClass(path) === 'log';
    if (mayBeCut && stored.some(isBeginning)) continue;
    if (!recent.some((files) => isStored(files.get(path))) && !isStored(now.get(path)))
      yield `${directory}/${path} is not stored`;
  }
}

/** While a run is written, half a record at the end of an event file waits for its other half. */
function isAllButTorn(path: string, stored: string, content: string): boolean {
  if (!path.includes('tfevents') || !content.startsWith(stored)) return false;
  const { records, rest } = recordsOf(Buffer.from(content.slice(stored.length), 'latin1'));
  return records.length === 0 && rest === 'incomplete';
}

const REPORTING: ReadonlySet<FoundStatus['state']> = new Set(['watching', 'paused', 'draining']);

/** Describes what the status of a root claims about a run directory, although the store lacks it. */
export function* findFalseStatus(
  { runs, isRunning, state, problems = [] }: FoundStatus,
  code: number | undefined,
  place: Place,
  contentsOf: Contents,
): Generator<string> {
  // The last report of a watch on another host, or before a reboot: the lock does not say that it is dead.
  if (isRunning && REPORTING.has(state)) return;
  const run = runs.find(({ directory }) => directory === place.directory);
  if (code !== 0 && (run === undefined || problems.length > 0)) return;
  if (code !== 0 && run!.pendingFiles > 0) return;
  const claim = code === 0 ? 'the exit code of status is 0' : `status: nothing of ${run!.uuid} is pending`;
  for (const found of findUnstored(place, place.files, contentsOf, { mayBeCut: false }))
    yield `${claim}, but ${found}`;
}
