/** To which project a run belongs. Pure. */

import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import { DEFAULT_OWNER, parseProject, type RunPlace } from '../polyaxon-api/project-directory.js';
import type { RunRecordFile } from '../run-directory/run-files.js';

export interface PlaceDefaults {
  /** Of runs that do not say. `owner/project`, or a project alone. */
  readonly project: string | null;
  /** What the address of the server names; goes behind `project`. */
  readonly place: Partial<RunPlace>;
}

/** The run's own word, else the default. Null when nobody says. */
export function findPlace(record: RunRecordFile | null, defaults: PlaceDefaults): RunPlace | null {
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
    `the run ${runUuid} does not say to which project it belongs, and no --project is given`,
  );
}
