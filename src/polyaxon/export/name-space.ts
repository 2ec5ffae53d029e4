/**
 * Chooses unique Polyaxon names for the series of a run, across all kinds, because Polyaxon's lineage key is the name alone.
 *
 * The first series gets the name that Polyaxon's client would use, unless that loses letters. The same calls in the same order give the same names.
 * Source: haupt 2.16.1, `haupt/db/managers/artifacts.py` (key: name and state).
 */

import { toOwnerOfMetrics } from '../../format/log-directory-name.js';
import { hashName, toFallbackName, toReadableName } from '../names.js';

/** Identifies a series by its kind and the name that was logged. */
export interface SeriesKey {
  readonly kind: string;
  /** The path of its log directory; '' for the run's main directory. */
  readonly logDirectory: string;
  readonly rawName: string;
}

/** The reason why a name differs from the sanitized one. */
export interface NameChange {
  readonly code: 'WARN_NAME_GENERATED' | 'WARN_NAME_TAKEN' | 'WARN_NAME_CUT';
  readonly reason: string;
}

interface ChosenName {
  readonly name: string;
  readonly change: NameChange | undefined;
}

const MIN_HASH_DIGITS = 4;
const CUT_HASH_DIGITS = 8;

export class NameSpace {
  /** The kind of each name's owner; '' for reserved names. */
  readonly #owners = new Map<string, string>();
  readonly #isReserved: (name: string) => boolean;

  /** `isReserved` returns whether another entry of the run's lineage uses a name. */
  constructor(isReserved: (name: string) => boolean = () => false) {
    this.#isReserved = isReserved;
  }

  /** Restores a name that was chosen earlier. */
  restore(name: string, kind: string): void {
    this.#owners.set(name, kind);
  }

  /** Chooses the name of a new series; at most `maxLength` bytes. */
  choose(key: SeriesKey, maxLength: number): ChosenName {
    const { kind } = key;
    const fullName = toFullName(key);
    // No path contains the separator, so no two series have the same hash input. Few names need the hash.
    const hash = () =>
      hashName(key.logDirectory === '' ? key.rawName : `${key.logDirectory}\0${key.rawName}`);
    const sanitized = toReadableName(fullName);
    const wanted = sanitized === '' ? toFallbackName(fullName) : sanitized;
    const fitting = cutName(wanted, '', maxLength, hash);
    const owner = this.#ownerOf(fitting);
    if (owner === undefined) {
      this.#owners.set(fitting, kind);
      return { name: fitting, change: describeFirst(sanitized, fitting) };
    }
    const name = this.#chooseOther(fitting, owner === kind ? '' : `-${kind}`, maxLength, hash);
    this.#owners.set(name, kind);
    const other =
      owner === '' ? 'another entry of the run' : owner === kind ? `another ${kind}` : `a ${owner}`;
    return { name, change: { code: 'WARN_NAME_TAKEN', reason: `${other} is called ${fitting}` } };
  }

  /** Returns the first free name of `base-kind`, `base-kind-4 hex`, `base-kind-6 hex` …; without the kind if both kinds are the same. */
  #chooseOther(base: string, suffix: string, maxLength: number, toHash: () => string): string {
    const withKind = cutName(base, suffix, maxLength, toHash);
    if (suffix !== '' && this.#ownerOf(withKind) === undefined) return withKind;
    const hash = toHash();
    for (let digits = MIN_HASH_DIGITS; ; digits += 2) {
      const name = cutName(base, `${suffix}-${hash.slice(0, digits)}`, maxLength, toHash);
      if (this.#ownerOf(name) === undefined || digits >= hash.length) return name;
    }
  }

  #ownerOf(name: string): string | undefined {
    return this.#owners.get(name) ?? (this.#isReserved(name) ? '' : undefined);
  }
}

/**
 * Returns a series' full name: the logged name, after the path of its log directory if it has one. The time of a call of `add_hparams` is left out, so that its
 * metrics have the same names in all runs.
 */
export function toFullName({ logDirectory, rawName }: Omit<SeriesKey, 'kind'>): string {
  const owner = toOwnerOfMetrics(logDirectory);
  return owner === '' ? rawName : `${owner}/${rawName}`;
}

/** Returns `base` and `suffix`. If they have more than `maxLength` bytes, `base` is cut and a hash keeps the name unique. */
export function cutName(base: string, suffix: string, maxLength: number, toHash: () => string): string {
  if (Buffer.byteLength(base) + Buffer.byteLength(suffix) <= maxLength) return base + suffix;
  const end = `-${toHash().slice(0, CUT_HASH_DIGITS)}${suffix}`;
  return cutText(base, maxLength - Buffer.byteLength(end)) + end;
}

/** Returns the beginning of a text, whole characters of at most `maxBytes` bytes. */
function cutText(text: string, maxBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    end += character.length;
  }
  return text.slice(0, end);
}

function describeFirst(sanitized: string, name: string): NameChange | undefined {
  if (name === sanitized) return undefined;
  return sanitized === ''
    ? { code: 'WARN_NAME_GENERATED', reason: 'it has no characters that Polyaxon allows' }
    : { code: 'WARN_NAME_CUT', reason: `it is too long (${sanitized.length} characters)` };
}
