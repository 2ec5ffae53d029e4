/**
 * Which paths are left out: names that are never sent, patterns of the command line, and `.polytrackignore` files, which have the
 * syntax of `.gitignore` and hold for the directory that they lie in and those below.
 *
 * Only an include pattern of the command line overrides the names that are never sent: a file in the tree cannot.
 */

import ignore from 'ignore';
import { RESERVED_DIRECTORY } from '../../base/rel-path.js';
import { type SkipReason, toSkipReason } from './excludes.js';

export interface PatternOptions {
  /** Sent whatever else says no. Syntax of `.gitignore`, relative to the root. */
  readonly include?: readonly string[] | undefined;
  /** Left out. Likewise. */
  readonly exclude?: readonly string[] | undefined;
}

interface DirectoryRules {
  /** Of the directory, relative to the root; ends with `/` unless it is the root itself. */
  readonly prefix: string;
  readonly patterns: ignore.Ignore;
}

export class IgnoreRules {
  readonly #include: ignore.Ignore | null;
  readonly #exclude: ignore.Ignore | null;
  /** Outermost first. */
  readonly #directories: readonly DirectoryRules[];
  readonly #onIncluded: (path: string, reason: SkipReason) => void;

  private constructor(
    include: ignore.Ignore | null,
    exclude: ignore.Ignore | null,
    directories: readonly DirectoryRules[],
    onIncluded: (path: string, reason: SkipReason) => void,
  ) {
    this.#include = include;
    this.#exclude = exclude;
    this.#directories = directories;
    this.#onIncluded = onIncluded;
  }

  /** The rules of a root. `onIncluded` is told of each path that only an include pattern lets through. */
  static create(
    { include = [], exclude = [] }: PatternOptions = {},
    onIncluded: (path: string, reason: SkipReason) => void = () => undefined,
  ): IgnoreRules {
    return new IgnoreRules(parse(include), parse(exclude), [], onIncluded);
  }

  /** These rules, and those of an ignore file in the directory `path` (relative to the root, empty for it). */
  extend(path: string, text: string): IgnoreRules {
    const rules = { prefix: path === '' ? '' : `${path}/`, patterns: create().add(text) };
    return new IgnoreRules(this.#include, this.#exclude, [...this.#directories, rules], this.#onIncluded);
  }

  /** Why the file or directory `name` of `directory` (relative to the root, empty for it) is left out, or null. */
  reasonFor(directory: string, name: string, isDirectory: boolean): SkipReason | null {
    const byName = toSkipReason(name);
    if (byName === null && !this.#hasPatterns) return null;
    const path = directory === '' ? name : `${directory}/${name}`;
    const reason = byName ?? this.#findReason(path, isDirectory);
    if (reason === null || name === RESERVED_DIRECTORY || this.#include === null) return reason;
    if (!this.#include.ignores(isDirectory ? `${path}/` : path)) return reason;
    this.#onIncluded(path, reason);
    return null;
  }

  get #hasPatterns(): boolean {
    return this.#exclude !== null || this.#directories.length > 0;
  }

  #findReason(path: string, isDirectory: boolean): SkipReason | null {
    const tested = isDirectory ? `${path}/` : path;
    if (this.#exclude?.ignores(tested) === true) return 'ignored';
    // The innermost file that has a say decides.
    for (const { prefix, patterns } of [...this.#directories].reverse()) {
      const { ignored, unignored } = patterns.test(tested.slice(prefix.length));
      if (ignored) return 'ignored';
      if (unignored) return null;
    }
    return null;
  }
}

/** As git: names are told apart by case. */
function create(): ignore.Ignore {
  return ignore({ ignorecase: false });
}

function parse(patterns: readonly string[]): ignore.Ignore | null {
  return patterns.length === 0 ? null : create().add([...patterns]);
}
