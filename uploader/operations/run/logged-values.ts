/**
 * Takes over what Polyaxon's Python client has written to the run file and lineage: its exit handler replaces both files.
 *
 * Source: polyaxon 2.16, `_client/run.py` (`persist_run`).
 */

import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import type { RunArtifact, RunRecord } from '../../../src/polyaxon/run-record.js';
import type { EndOptions, Run } from '../../../src/run/run.js';
import { isAbsent } from '../../base/io/system-error.js';

type Values = Readonly<Record<string, unknown>>;

/** The statuses that a program gives to its run on purpose; the client sets `succeeded` at each exit. */
const GIVEN: readonly unknown[] = ['failed', 'stopped', 'skipped'];

/** Adds the values that the files have and the run has not. Returns the status that the program has given to the run. */
export async function takeOverValues(run: Run): Promise<EndOptions['status']> {
  const record = (await readJson(run.paths.runFile)) as Partial<RunRecord> | undefined;
  if (record === undefined || record.uuid !== run.uuid) return undefined;
  const { inputs, outputs, meta_info, tags, description, readme } = record as typeof record & {
    readonly readme?: string;
  };
  const known = run.record as typeof record & { readonly readme?: string };
  logNew(inputs, known.inputs, (values) => run.logInputs(values));
  logNew(outputs, known.outputs, (values) => run.logOutputs(values));
  logNew(meta_info, known.meta_info, (values) => run.logMeta(values));
  const newTags = (tags ?? []).filter((tag) => !(known.tags ?? []).includes(tag));
  if (newTags.length > 0) run.logTags(newTags);
  if (typeof description === 'string' && description !== known.description) run.setDescription(description);
  if (typeof readme === 'string' && readme !== known.readme) run.setReadme(readme);
  await takeOverLineage(run);
  return GIVEN.includes(record.status) ? (record.status as EndOptions['status']) : undefined;
}

async function takeOverLineage(run: Run): Promise<void> {
  const lineage = await readJson(run.paths.lineageFile);
  if (!Array.isArray(lineage)) return;
  const known = run.getArtifactsLineage();
  const added = (lineage as RunArtifact[]).filter(
    (artifact) => !known.some((each) => isDeepStrictEqual(each, artifact)),
  );
  if (added.length > 0) run.logArtifactLineage(added);
}

function logNew(
  found: Values | null | undefined,
  known: Values | undefined,
  log: (values: Values) => void,
): void {
  const added = Object.entries(found ?? {}).filter(
    ([name, value]) => !isDeepStrictEqual(value, known?.[name]),
  );
  if (added.length > 0) log(Object.fromEntries(added));
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    // The client does not replace the files in one step: half a file is read again at the next check.
    if (isAbsent(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
