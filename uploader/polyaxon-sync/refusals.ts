/** Records rejected targets (the whole API, a project or one run) and when each is retried. Pure; the caller passes the time. */

import type { CodedError } from '../../src/base/errors.js';
import { FileError, StoreError } from '../base/errors.js';
import { PolyaxonApiError } from '../polyaxon-api/api-error.js';
import type { RunPlace } from '../polyaxon-api/project-directory.js';

/** F47: the pause doubles from the first to the maximum. */
const FIRST_PAUSE_MS = 30_000;
const MAX_PAUSE_MS = 300_000;
const EVERYTHING = '*';

interface Refusal {
  readonly error: CodedError;
  readonly tries: number;
  readonly untilMs: number;
}

export class Refusals {
  readonly #refusals = new Map<string, Refusal>();

  /** Records a rejection. Returns the time of the next attempt. */
  add(error: CodedError, runUuid: string, place: RunPlace | null, nowMs: number): number {
    const key = toKey(error, runUuid, place);
    const tries = (this.#refusals.get(key)?.tries ?? 0) + 1;
    const pauseMs = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries - 1, 10));
    this.#refusals.set(key, { error, tries, untilMs: nowMs + pauseMs });
    return nowMs + pauseMs;
  }

  /** Returns the rejection that prevents reporting a run now, or null. */
  find(runUuid: string, place: RunPlace | null, nowMs: number): Refusal | null {
    for (const key of toKeys(runUuid, place)) {
      const refusal = this.#refusals.get(key);
      if (refusal !== undefined && nowMs < refusal.untilMs) return refusal;
    }
    return null;
  }

  /** Returns the rejection of all runs, or null. */
  findOfAll(nowMs: number): CodedError | null {
    const refusal = this.#refusals.get(EVERYTHING);
    return refusal !== undefined && nowMs < refusal.untilMs ? refusal.error : null;
  }

  /** Removes all rejections that apply to a run after it was reported. */
  remove(runUuid: string, place: RunPlace | null): void {
    for (const key of toKeys(runUuid, place)) this.#refusals.delete(key);
  }

  /** Drops the rejection of a run that is gone. */
  forget(runUuid: string): void {
    this.#refusals.delete(runUuid);
  }

  clear(): void {
    this.#refusals.clear();
  }
}

function toKeys(runUuid: string, place: RunPlace | null): string[] {
  return [EVERYTHING, ...(place === null ? [] : [toProjectKey(place)]), runUuid];
}

function toKey(error: CodedError, runUuid: string, place: RunPlace | null): string {
  if (error instanceof StoreError && error.concernsAllFiles) return EVERYTHING;
  const isOfProject =
    error instanceof PolyaxonApiError &&
    (error.code === 'ERR_API_PROJECT_MISSING' || error.code === 'ERR_API_FORBIDDEN');
  return isOfProject && place !== null ? toProjectKey(place) : runUuid;
}

function toProjectKey({ owner, project }: RunPlace): string {
  return `${owner}/${project}`;
}

/** The directory of the run is gone before all of its data was sent. */
export function removedTooEarly(runUuid: string): CodedError {
  const found = 'its directory was removed before all of its data was sent to Polyaxon';
  return new FileError(
    'ERR_FILE_VANISHED',
    runUuid,
    found,
    'Keep a run until `polytrack status` shows it as complete.',
  );
}

/** The uploader stopped before it had sent all data of the run. */
export function notSynced(runUuid: string): CodedError {
  return new PolyaxonApiError(
    'ERR_API_UNREACHABLE',
    `the run ${runUuid}: the uploader stopped before it had sent all data`,
  );
}
