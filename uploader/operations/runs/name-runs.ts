/** Lists the references to runs that begin with what a user has typed, for completion in the shell. */

import { toPrintable } from '../../../src/base/printable-text.js';
import type { LoadedRun } from '../../../src/reading/loaded-run.js';
import { createLocalSource } from '../../../src/reading/local-source.js';
import { collectRuns, type DiskAccess, findRoots } from './find-run.js';
import { createShortener, LATEST } from './match-run.js';

interface RunReference {
  readonly text: string;
  readonly description: string;
}

/**
 * Lists `latest`, names and first digits of uuids of the runs of the default roots, or of the root before the last `/`. A uuid is
 * listed if its first digits are typed, or if no other reference leads to the run alone.
 */
export async function nameRuns(typed: string, access: DiskAccess): Promise<RunReference[]> {
  if (typed.includes('://')) return [];
  const { roots, name } = await findRoots(typed, access);
  const before = typed.slice(0, typed.length - name.length);
  const runs = await collectRuns(roots.map(createLocalSource), access);
  if (runs.length === 0) return [];
  const counts = new Map<string, number>();
  for (const run of runs) if (run.name !== null) counts.set(run.name, (counts.get(run.name) ?? 0) + 1);
  const shorten = createShortener(runs.flatMap(({ uuid }) => uuid ?? []));
  const references = runs.flatMap((run): RunReference[] => {
    const isNamed = run.name !== null && counts.get(run.name) === 1 && isPrintable(run.name);
    const named = isNamed ? [{ text: run.name ?? '', description: describe(run) }] : [];
    if (run.uuid === null || (isNamed && !(name !== '' && run.uuid.startsWith(name)))) return named;
    const digits = shorten(run.uuid);
    // What is typed may be longer than the digits that are needed.
    return [...named, { text: name.startsWith(digits) ? run.uuid : digits, description: describe(run) }];
  });
  return [{ text: LATEST, description: 'the run that was created last' }, ...references]
    .filter(({ text }) => text.startsWith(name))
    .map(({ text, description }) => ({ text: before + text, description }));
}

/** A name with control characters cannot be typed. */
function isPrintable(name: string): boolean {
  return toPrintable(name) === name;
}

function describe({ name, uuid, status }: LoadedRun): string {
  return [name, uuid?.slice(0, 8), status].filter((each) => each != null).join(', ');
}
