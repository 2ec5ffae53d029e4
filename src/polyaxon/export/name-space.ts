/**
 * The names that a run's series have in Polyaxon: one space for all kinds, because its lineage key is the name alone.
 *
 * Source: haupt 2.16.1, `haupt/db/managers/artifacts.py` (key: name and state). Who comes first keeps the name that Polyaxon's own
 * client would give it. Asked the same in the same order, it answers the same.
 */

import { hashName, sanitizeName, toFallbackName } from '../names.js';

/** What a series is known by: its kind, and its name as it was logged. */
export interface SeriesKey {
  readonly kind: string;
  /** The path of its log directory; '' for the run's own. */
  readonly logDirectory: string;
  readonly rawName: string;
}

/** A name that is not just the sanitized one, and why. */
export interface NameChange {
  readonly code: 'WARN_NAME_GENERATED' | 'WARN_NAME_TAKEN' | 'WARN_NAME_CUT';
  readonly reason: string;
}

export interface ChosenName {
  readonly name: string;
  readonly change: NameChange | undefined;
}

const MIN_HASH_DIGITS = 4;
const CUT_HASH_DIGITS = 8;

export class NameSpace {
  /** The kind of each name's owner; '' for names that are kept free. */
  readonly #owners = new Map<string, string>();
  readonly #isReserved: (name: string) => boolean;

  /** `isReserved`: names that belong to something else in the run's lineage. */
  constructor(isReserved: (name: string) => boolean = () => false) {
    this.#isReserved = isReserved;
  }

  /** Gives a name that was chosen before to its series again. */
  restore(name: string, kind: string): void {
    this.#owners.set(name, kind);
  }

  /** Chooses the name of a series that has none yet; at most `maxLength` characters. */
  choose(key: SeriesKey, maxLength: number): ChosenName {
    const { kind } = key;
    const fullName = toFullName(key);
    // The separator is in no path, so that no two series have one hash.
    const hash = hashName(key.logDirectory === '' ? key.rawName : `${key.logDirectory}\0${key.rawName}`);
    const sanitized = sanitizeName(fullName);
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
      owner === '' ? 'something else of the run' : owner === kind ? `another ${kind}` : `a ${owner}`;
    return { name, change: { code: 'WARN_NAME_TAKEN', reason: `${other} is called ${fitting}` } };
  }

  /** The first free one of `base-kind`, `base-kind-4 hex`, `base-kind-6 hex` …; without the kind when that is the same. */
  #chooseOther(base: string, suffix: string, maxLength: number, hash: string): string {
    const withKind = cutName(base, suffix, maxLength, hash);
    if (suffix !== '' && this.#ownerOf(withKind) === undefined) return withKind;
    for (let digits = MIN_HASH_DIGITS; ; digits += 2) {
      const name = cutName(base, `${suffix}-${hash.slice(0, digits)}`, maxLength, hash);
      if (this.#ownerOf(name) === undefined || digits >= hash.length) return name;
    }
  }

  #ownerOf(name: string): string | undefined {
    return this.#owners.get(name) ?? (this.#isReserved(name) ? '' : undefined);
  }
}

/** A series' name as people know it: below a log directory, with that directory's path before it. */
export function toFullName({ logDirectory, rawName }: Omit<SeriesKey, 'kind'>): string {
  return logDirectory === '' ? rawName : `${logDirectory}/${rawName}`;
}

/** `base` and `suffix`, of which the base is cut where both are too long, and told apart by a hash. */
export function cutName(base: string, suffix: string, maxLength: number, hash: string): string {
  if (base.length + suffix.length <= maxLength) return base + suffix;
  const end = `-${hash.slice(0, CUT_HASH_DIGITS)}${suffix}`;
  return base.slice(0, Math.max(0, maxLength - end.length)) + end;
}

function describeFirst(sanitized: string, name: string): NameChange | undefined {
  if (name === sanitized) return undefined;
  return sanitized === ''
    ? { code: 'WARN_NAME_GENERATED', reason: 'Polyaxon leaves nothing of its characters' }
    : { code: 'WARN_NAME_CUT', reason: `it has ${sanitized.length} characters` };
}
