/**
 * All series of a projection: found by what they were logged as, named when their first row comes.
 */

import type { ArtifactKind } from '../polyaxon-value.js';
import { type NameChange, NameSpace, toFullName } from './name-space.js';
import { type ExportTarget, maxNameLength, Series, type SeriesState } from './series.js';

/** Something that was changed, or that cannot be projected. */
export interface ExportNotice {
  /** Stable identifier. */
  readonly code: NameChange['code'] | 'WARN_VALUE_INVALID' | 'WARN_WALL_TIME_UNPRINTABLE';
  readonly message: string;
  /** Of the series; undefined where none has to do with it. */
  readonly kind?: ArtifactKind | 'input';
  /** As it was logged, below the path of its log directory. */
  readonly rawName?: string;
  /** As Polyaxon has it. */
  readonly name?: string;
}

export interface SeriesIndexOptions {
  readonly target: ExportTarget;
  readonly exactValues: number;
  readonly isReservedName: ((name: string) => boolean) | undefined;
  readonly notify: (notice: ExportNotice) => void;
}

export class SeriesIndex {
  readonly #options: SeriesIndexOptions;
  readonly #names: NameSpace;
  readonly #series = new Map<string, Series>();

  constructor(options: SeriesIndexOptions, states: readonly SeriesState[] = []) {
    this.#options = options;
    this.#names = new NameSpace(options.isReservedName);
    for (const state of states) {
      const { kind, logDirectory, rawName, name } = state;
      const identity = { target: options.target, kind, logDirectory, rawName, name };
      this.#series.set(toKey(kind, logDirectory, rawName), new Series(identity, options.exactValues, state));
      this.#names.restore(name, kind);
    }
  }

  /** In the order of their first rows. */
  [Symbol.iterator](): IterableIterator<Series> {
    return this.#series.values();
  }

  /** The series of a kind, log directory and name; a new one is named, and has to be given a row. */
  get(kind: ArtifactKind, logDirectory: string, rawName: string): Series {
    const key = toKey(kind, logDirectory, rawName);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const { target, exactValues } = this.#options;
    const { name, change } = this.#names.choose({ kind, logDirectory, rawName }, maxNameLength(target, kind));
    if (change !== undefined) this.#tell(kind, toFullName({ logDirectory, rawName }), name, change);
    const series = new Series({ target, kind, logDirectory, rawName, name }, exactValues);
    this.#series.set(key, series);
    return series;
  }

  #tell(kind: ArtifactKind, rawName: string, name: string, { code, reason }: NameChange): void {
    const message = `${kind} ${JSON.stringify(rawName)} is called ${name} in Polyaxon: ${reason}`;
    this.#options.notify({ code, message, kind, rawName, name });
  }
}

function toKey(kind: string, logDirectory: string, rawName: string): string {
  return `${kind}\0${logDirectory}\0${rawName}`;
}
