/** Determines the project of a run. Pure. */

import type { RunRecordFile } from '../../src/run-directory/run-files.js';
import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import { DEFAULT_OWNER, parseProject, type RunPlace } from '../polyaxon-api/project-directory.js';

export interface PlaceDefaults {
  /** The project of runs that name none: `owner/project`, or a project alone. */
  readonly project: string | null;
  /** Owner and project in the URL of the server. `project` takes precedence. */
  readonly place: Partial<RunPlace>;
  /** Whether `project` also applies to runs that name another one. */
  readonly overridesRuns?: boolean;
}

/** Returns the project in the run file, else the default, else null. */
export function findPlace(own: RunRecordFile | null, defaults: PlaceDefaults): RunPlace | null {
  const record = defaults.overridesRuns === true && defaults.project !== null ? null : own;
  const named = record?.project ?? defaults.project ?? defaults.place.project;
  if (named == null) return null;
  const { project, owner } = parseProject(named);
  // Of `organization/team` only the organization is part of an address.
  const recordOwner = record?.project == null ? undefined : record.owner?.split('/')[0];
  if (project === '') return null;
  return { project, owner: recordOwner ?? owner ?? defaults.place.owner ?? DEFAULT_OWNER };
}

export function noProject(runUuid: string): PolyaxonApiError {
  return new PolyaxonApiError(
    'ERR_API_PROJECT_MISSING',
    `the run ${runUuid} names no project, and --project is not set`,
  );
}
