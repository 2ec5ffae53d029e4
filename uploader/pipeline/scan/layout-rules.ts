/** The directories that `--group` and `--split` name. */

import ignore from 'ignore';

interface LayoutPatterns {
  /** Directories that are one run each, with all log directories below. Syntax of `.gitignore`, relative to the root; `.` is the root. */
  readonly group?: readonly string[] | undefined;
  /** Directories below which, and in which, each log directory is a separate run; in the same syntax. */
  readonly split?: readonly string[] | undefined;
}

type LayoutRule = 'group' | 'split';

interface Pattern {
  readonly rule: LayoutRule;
  /** Null for the root. */
  readonly rules: ignore.Ignore | null;
}

export class LayoutRules {
  readonly #patterns: readonly Pattern[];

  constructor({ group = [], split = [] }: LayoutPatterns = {}) {
    const parse = (rule: LayoutRule, pattern: string): Pattern => {
      const rules = pattern === '.' ? null : ignore({ ignorecase: false }).add(pattern);
      return { rule, rules };
    };
    this.#patterns = [
      ...group.map((pattern) => parse('group', pattern)),
      ...split.map((pattern) => parse('split', pattern)),
    ];
  }

  /** Returns the rule that names exactly this directory (relative to the root, empty for the root), or null. `group` wins over `split`. */
  ruleOf(directory: string): LayoutRule | null {
    const found = this.#patterns.find(({ rules }) => matches(rules, directory));
    return found?.rule ?? null;
  }
}

/** A pattern also matches everything below a match, which has not been named itself. */
function matches(rules: ignore.Ignore | null, directory: string): boolean {
  if (rules === null || directory === '') return rules === null && directory === '';
  const parent = directory.slice(0, Math.max(0, directory.lastIndexOf('/')));
  return rules.ignores(`${directory}/`) && (parent === '' || !rules.ignores(`${parent}/`));
}
