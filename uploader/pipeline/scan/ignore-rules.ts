/**
 * Decides which paths are excluded: by default names, by patterns of the command line, and by `.polytrackignore` files. These have the
 * syntax of `.gitignore` and apply to their directory and the directories below it.
 *
 * Only an include pattern of the command line overrides the default names; an ignore file cannot.
 */

import ignore from 'ignore';
import { RESERVED_DIRECTORY } from '../../base/rel-path.js';
import { type SkipReason, toSkipReason } from './excludes.js';

export interface PatternOptions {
  /** Patterns of paths to send even if other rules exclude them. Syntax of `.gitignore`, relative to the root. */
  readonly include?: readonly string[] | undefined;
  /** Patterns of paths to exclude, in the same syntax. */
  readonly exclude?: readonly string[] | undefined;
}

interface DirectoryRules {
  /** Path of the directory, relative to the root; ends with `/` unless empty for the root. */
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

  /** Creates the rules of a root. `onIncluded` is called for each path that is sent only because of an include pattern. */
  static create(
    { include = [], exclude = [] }: PatternOptions = {},
    onIncluded: (path: string, reason: SkipReason) => void = () => undefined,
  ): IgnoreRules {
    return new IgnoreRules(parse(include), parse(exclude), [], onIncluded);
  }

  /** Returns these rules plus those of an ignore file in the directory `path` (relative to the root, empty for the root). */
  extend(path: string, text: string): IgnoreRules {
    const rules = { prefix: path === '' ? '' : `${path}/`, patterns: create().add(text) };
    return new IgnoreRules(this.#include, this.#exclude, [...this.#directories, rules], this.#onIncluded);
  }

  /** Returns why the entry `name` of `directory` (relative to the root, empty for the root) is excluded, or null. */
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
    // The innermost ignore file with a matching pattern decides.
    for (const { prefix, patterns } of [...this.#directories].reverse()) {
      const { ignored, unignored } = patterns.test(tested.slice(prefix.length));
      if (ignored) return 'ignored';
      if (unignored) return null;
    }
    return null;
  }
}

/** Names are case-sensitive, as in git. */
function create(): ignore.Ignore {
  return ignore({ ignorecase: false });
}

function parse(patterns: readonly string[]): ignore.Ignore | null {
  return patterns.length === 0 ? null : create().add([...patterns]);
}
