/**
 * Chooses where the log directories of a program appear in its run. Pure.
 *
 * The first log directory becomes that of the run, so that the metrics of a usual program keep their names: `loss`, not `runs/Nov29_host/loss`.
 * Others keep their place relative to it, such as `validation` beside `train`.
 */

import { dirname, isAbsolute, relative, sep } from 'node:path';

export class LogDirectoryNames {
  readonly #top: string;
  readonly #names = new Map<string, string>();
  #first: string | undefined;

  /** `top` is the directory in which event files are found. */
  constructor(top: string) {
    this.#top = top;
  }

  /** Returns the path below the log directory of the run; '' for the first directory. The same directory always has the same name. */
  nameOf(directory: string): string {
    const known = this.#names.get(directory);
    if (known !== undefined) return known;
    this.#first ??= directory;
    const name = this.#toFreeName(this.#toName(directory, this.#first));
    this.#names.set(directory, name);
    return name;
  }

  #toName(directory: string, first: string): string {
    if (directory === first) return '';
    const bases = first === this.#top ? [first] : [first, dirname(first), this.#top];
    const inside = bases.map((base) => relative(base, directory)).find((path) => isInside(path));
    return (inside ?? '').split(sep).join('/') || 'other';
  }

  #toFreeName(name: string): string {
    const taken = new Set(this.#names.values());
    for (let number = 1; ; number++) {
      const candidate = number === 1 ? name : `${name}-${number}`;
      if (!taken.has(candidate)) return candidate;
    }
  }
}

function isInside(path: string): boolean {
  return path !== '' && path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}
