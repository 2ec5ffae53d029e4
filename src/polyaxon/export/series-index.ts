/**
 * Finds the series of an export by kind, log directory and logged name, and names new ones.
 */

import { ARTIFACT_KINDS, type ArtifactKind, toPolyaxonTag } from '../polyaxon-value.js';
import { type NameChange, NameSpace, toFullName } from './name-space.js';
import { type ExportTarget, maxNameLength, Series, type SeriesIdentity, type SeriesState } from './series.js';

/** Reports a changed name, a replaced wall time or a value that cannot be exported. */
export interface ExportNotice {
  /** Stable identifier. */
  readonly code: NameChange['code'] | 'WARN_VALUE_INVALID' | 'WARN_WALL_TIME_UNPRINTABLE';
  readonly message: string;
  /** The kind of the series; undefined if no series is concerned. */
  readonly kind?: ArtifactKind | 'input';
  /** The full name that was logged, including the path of its log directory. */
  readonly rawName?: string;
  /** The name in Polyaxon. */
  readonly name?: string;
}

interface SeriesIndexOptions {
  readonly target: ExportTarget;
  readonly exactValues: number;
  readonly isReservedName: ((name: string) => boolean) | undefined;
  readonly notify: (notice: ExportNotice) => void;
}

/** A series and its name in Polyaxon. */
export type NamedSeries = Omit<SeriesIdentity, 'target'>;

export class SeriesIndex {
  readonly #options: SeriesIndexOptions;
  readonly #names: NameSpace;
  readonly #series = new Map<string, Series>();

  constructor(options: SeriesIndexOptions, states: readonly (NamedSeries | SeriesState)[] = []) {
    this.#options = options;
    this.#names = new NameSpace(options.isReservedName);
    for (const state of states) {
      const { kind, logDirectory, rawName, name } = state;
      const identity = { target: options.target, kind, logDirectory, rawName, name };
      const earlier = 'sizeBytes' in state ? state : undefined;
      this.#series.set(
        toKey(kind, logDirectory, rawName),
        new Series(identity, options.exactValues, earlier),
      );
      this.#names.restore(name, kind);
    }
  }

  get count(): number {
    return this.#series.size;
  }

  /** Iterates over all series in the order in which they were named. */
  [Symbol.iterator](): IterableIterator<Series> {
    return this.#series.values();
  }

  /** Returns the series of a kind, log directory and name. A new series gets a name. */
  get(kind: ArtifactKind, logDirectory: string, rawName: string): Series {
    const key = toKey(kind, logDirectory, rawName);
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const { target, exactValues } = this.#options;
    const { name, change } = this.#names.choose({ kind, logDirectory, rawName }, maxNameLength(target, kind));
    if (change !== undefined) this.#notify(kind, toFullName({ logDirectory, rawName }), name, change);
    const series = new Series({ target, kind, logDirectory, rawName, name }, exactValues);
    this.#series.set(key, series);
    return series;
  }

  /** The series that values of a tag may have become. */
  ofTag(tag: string, logDirectory: string): Series[] {
    return ARTIFACT_KINDS.flatMap((kind) => {
      const prefix = toPolyaxonTag(kind, '');
      const names = tag.startsWith(prefix) ? [tag, tag.slice(prefix.length)] : [tag];
      return names.flatMap((name) => this.#series.get(toKey(kind, logDirectory, name)) ?? []);
    });
  }

  #notify(kind: ArtifactKind, rawName: string, name: string, { code, reason }: NameChange): void {
    const message = `${kind} ${JSON.stringify(rawName)} is stored as ${name} in Polyaxon: ${reason}`;
    this.#options.notify({ code, message, kind, rawName, name });
  }
}

function toKey(kind: string, logDirectory: string, rawName: string): string {
  return `${kind}\0${logDirectory}\0${rawName}`;
}
