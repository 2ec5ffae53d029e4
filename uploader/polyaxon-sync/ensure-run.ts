/**
 * Creates a run on the server, under its uuid on disk, unless it exists. If the creation is rejected, gets the run again, so that lost
 * answers and other uploaders never cause a second run.
 *
 * Source: haupt 2.16.1, `runs/sync`: it answers 400 for an existing uuid and for any other invalid data. The usual call that creates a run
 * chooses the uuid itself.
 */

import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import type { PolyaxonClient } from '../polyaxon-api/client.js';
import type { RunPlace } from '../polyaxon-api/project-directory.js';
import type { PolyaxonRun, RunRef, SyncRunBody } from '../polyaxon-api/types.js';

interface EnsureRunOptions {
  readonly client: PolyaxonClient;
  readonly ref: RunRef;
  /** Whether to create a missing project. */
  readonly createsProject: boolean;
  /** The run that `getRun` has just returned, if it was called. */
  readonly early?: { readonly run: PolyaxonRun | null } | null;
  readonly signal?: AbortSignal | undefined;
}

interface EnsuredRun {
  readonly run: PolyaxonRun;
  readonly isNew: boolean;
}

/**
 * Returns the run as the server knows it. Creates it with the result of `toBody`, which is called when the server has answered once; other data is sent as separate items, so that a rejected item does not
 * prevent the creation. Throws `PolyaxonApiError`.
 */
export async function ensureRun(toBody: () => SyncRunBody, options: EnsureRunOptions): Promise<EnsuredRun> {
  const { client, ref, createsProject, early, signal } = options;
  const { run: found } = early ?? { run: await client.getRun(ref, { signal }) };
  if (found !== null) return { run: found, isNew: false };
  try {
    return await createRun(toBody(), options);
  } catch (error) {
    if (!isCode(error, 'ERR_API_PROJECT_MISSING') || !createsProject) throw error;
    await ensureProject(client, ref, signal);
    return createRun(toBody(), options);
  }
}

/** Creates a project unless it exists. Throws `PolyaxonApiError`. */
export async function ensureProject(
  client: PolyaxonClient,
  { owner, project }: RunPlace,
  signal?: AbortSignal,
): Promise<void> {
  if ((await client.findProject(owner, project, { signal })) !== null) return;
  try {
    await client.createProject(owner, project, { signal });
  } catch (error) {
    // Another process created it first, or an earlier answer was lost.
    if (!isCode(error, 'ERR_API_INVALID')) throw error;
    if ((await client.findProject(owner, project, { signal })) === null) throw error;
  }
}

async function createRun(body: SyncRunBody, options: EnsureRunOptions): Promise<EnsuredRun> {
  const { client, ref, signal } = options;
  try {
    return { run: await client.syncRun(ref, body, { signal }), isNew: true };
  } catch (error) {
    if (!isCode(error, 'ERR_API_INVALID') && !isCode(error, 'ERR_API_CONFLICT')) throw error;
    const found = await client.getRun(ref, { signal });
    if (found !== null) return { run: found, isNew: false };
    const { name, ...rest } = body;
    if (name === undefined || !('name' in error.fields)) throw toElsewhere(error, ref);
    // If the server rejects only the name, create the run without it. The name is sent as a separate item and rejected there.
    return createRun(rest, options);
  }
}

/** Explains the rejection of a uuid that the server has in another project, or whose run was deleted. */
function toElsewhere(error: PolyaxonApiError, { owner, project, uuid }: RunRef): PolyaxonApiError {
  if (!/already exists/.test(error.message)) return error;
  const { code, fields, httpStatus } = error;
  return new PolyaxonApiError(
    code,
    `the server has the run ${uuid}, but not in ${owner}/${project}: upload it under another uuid (--new-uuid), or move the run there (RunClient.transfer)`,
    { fields, ...(httpStatus === null ? {} : { httpStatus }) },
    { cause: error },
  );
}

function isCode(error: unknown, code: PolyaxonApiError['code']): error is PolyaxonApiError {
  return error instanceof PolyaxonApiError && error.code === code;
}
