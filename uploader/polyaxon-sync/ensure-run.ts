/**
 * Makes sure that a run is on the server, under the uuid that it has on disk: looked for, made, and looked for again where that was refused, so that lost
 * answers and other uploaders never make a second one.
 *
 * Source: haupt 2.16.1, `runs/sync`: 400 for a uuid that is there, and for anything else that it does not like; the ordinary way to create a run
 * chooses the uuid itself.
 */

import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import type { PolyaxonClient } from '../polyaxon-api/client.js';
import type { RunPlace } from '../polyaxon-api/project-directory.js';
import type { PolyaxonRun, RunRef, SyncRunBody } from '../polyaxon-api/types.js';
import type { DesiredRun } from './desired-run.js';

export interface EnsureRunOptions {
  readonly client: PolyaxonClient;
  readonly ref: RunRef;
  /** Whether a project that is missing is made. */
  readonly createsProject: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface EnsuredRun {
  readonly run: PolyaxonRun;
  readonly isNew: boolean;
}

/** Gives the run as the server has it. Throws `PolyaxonApiError`. */
export async function ensureRun(desired: DesiredRun, options: EnsureRunOptions): Promise<EnsuredRun> {
  const { client, ref, createsProject, signal } = options;
  const found = await client.getRun(ref, { signal });
  if (found !== null) return { run: found, isNew: false };
  const body = toSyncBody(desired);
  try {
    return await createRun(body, options);
  } catch (error) {
    if (!isCode(error, 'ERR_API_PROJECT_MISSING') || !createsProject) throw error;
    await ensureProject(client, ref, signal);
    return createRun(body, options);
  }
}

/** Makes a project unless it is there. Throws `PolyaxonApiError`. */
export async function ensureProject(
  client: PolyaxonClient,
  { owner, project }: RunPlace,
  signal?: AbortSignal,
): Promise<void> {
  if ((await client.findProject(owner, project, { signal })) !== null) return;
  try {
    await client.createProject(owner, project, { signal });
  } catch (error) {
    // Somebody else was faster, or an earlier answer got lost.
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
    if (name === undefined || !('name' in error.fields)) throw error;
    // A name that the server does not take is put aside when it is told by itself.
    return createRun(rest, options);
  }
}

/**
 * What a new run begins with: its times, which cannot be changed later, and its statuses but for the one that ends it. The rest is told item by
 * item, so that one that is refused does not keep the run from being there.
 */
function toSyncBody(desired: DesiredRun): SyncRunBody {
  const { uuid, name, createdAt, startedAt, finishedAt, waitTime, duration, created, conditions } = desired;
  const begun = [...(created === null ? [] : [created]), ...conditions];
  const optional = {
    ...(startedAt === null ? {} : { started_at: startedAt }),
    ...(finishedAt === null ? {} : { finished_at: finishedAt }),
    ...(waitTime === null ? {} : { wait_time: waitTime }),
    ...(duration === null ? {} : { duration }),
  };
  return {
    uuid,
    name,
    created_at: createdAt,
    kind: 'job',
    runtime: 'job',
    is_managed: false,
    managed_by: 'user',
    ...optional,
    status: begun.at(-1)?.type ?? 'created',
    ...(begun.length === 0 ? {} : { status_conditions: begun }),
  };
}

function isCode(error: unknown, code: PolyaxonApiError['code']): error is PolyaxonApiError {
  return error instanceof PolyaxonApiError && error.code === code;
}
