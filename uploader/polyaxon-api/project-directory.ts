/** Which project each run belongs to: what the streams' addresses want, and files do not say. */

import type { RunRef } from './types.js';

export interface RunPlace {
  readonly owner: string;
  readonly project: string;
}

/** What the open server calls its only owner. */
export const DEFAULT_OWNER = 'default';
/** In addresses of runs that nobody has named a project for: the open server does not look at it. */
const NO_PROJECT = '_any';

/** Filled by whoever knows the runs; read by the store. */
export class ProjectDirectory {
  readonly #fallback: RunPlace;
  readonly #places = new Map<string, RunPlace>();

  /** `fallback`: of runs that were not named. */
  constructor(fallback: Partial<RunPlace> = {}) {
    this.#fallback = { owner: fallback.owner ?? DEFAULT_OWNER, project: fallback.project ?? NO_PROJECT };
  }

  /** Says where a run belongs. A later word wins. */
  set(uuid: string, place: RunPlace): void {
    this.#places.set(uuid, place);
  }

  /** Forgets a run that nothing is done with any more. */
  delete(uuid: string): void {
    this.#places.delete(uuid);
  }

  refOf(uuid: string): RunRef {
    return { ...(this.#places.get(uuid) ?? this.#fallback), uuid };
  }
}

/** `owner/project`, `owner.project`, or a project alone; of `organization/team` as owner only the organization counts. */
export function parseProject(text: string): Partial<RunPlace> & { readonly project: string } {
  const [project = '', ...owners] = text.split(/[/.]/).reverse();
  const owner = owners.at(-1);
  return { project, ...(owner === undefined || owner === '' ? {} : { owner }) };
}
