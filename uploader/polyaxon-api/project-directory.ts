/** Records the project of each run. The addresses of streams contain it, but the files of a run do not. */

import type { RunRef } from './types.js';

export interface RunPlace {
  readonly owner: string;
  readonly project: string;
}

/** The only owner on the open server. */
export const DEFAULT_OWNER = 'default';
/** Used in addresses of runs without a project. The open server ignores it. */
const NO_PROJECT = '_any';

/** The project of each run. The caller fills it; the store reads it. */
export class ProjectDirectory {
  readonly #fallback: RunPlace;
  readonly #places = new Map<string, RunPlace>();

  /** `fallback`: owner and project of runs without an entry. */
  constructor(fallback: Partial<RunPlace> = {}) {
    this.#fallback = { owner: fallback.owner ?? DEFAULT_OWNER, project: fallback.project ?? NO_PROJECT };
  }

  set(uuid: string, place: RunPlace): void {
    this.#places.set(uuid, place);
  }

  delete(uuid: string): void {
    this.#places.delete(uuid);
  }

  refOf(uuid: string): RunRef {
    return { ...(this.#places.get(uuid) ?? this.#fallback), uuid };
  }
}

/** Parses `owner/project`, `owner.project` or a project alone. Of an owner `organization/team`, only the organization is kept. */
export function parseProject(text: string): Partial<RunPlace> & { readonly project: string } {
  const [project = '', ...owners] = text.split(/[/.]/).reverse();
  const owner = owners.at(-1);
  return { project, ...(owner === undefined || owner === '' ? {} : { owner }) };
}
