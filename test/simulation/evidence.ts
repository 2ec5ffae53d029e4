/** What stores have acknowledged, and the check that it still exists somewhere. */

import type { Hash } from 'node:crypto';
import { toFileClass } from '../../uploader/pipeline/inventory/file-class.js';

/** Everything that one directory has ever held under one path, so far as a writer of the directory may have replaced it on purpose. */
export class History {
  readonly #contents = new Map<string, Set<string>>();

  note(path: string, content: string): void {
    const contents = this.#contents.get(path) ?? new Set();
    this.#contents.set(path, contents.add(content));
  }

  has(path: string, content: string): boolean {
    return this.#contents.get(path)?.has(content) === true;
  }

  copy(): History {
    const copy = new History();
    for (const [path, contents] of this.#contents) for (const content of contents) copy.note(path, content);
    return copy;
  }
}

interface Needed {
  readonly content: string;
  readonly since: string;
  /** Later contents of the same directory that may be there instead. */
  readonly successors: ReadonlySet<string>;
}

/** The contents that must exist, by `<uuid>/<path>`. */
export class Evidence {
  readonly #needed = new Map<string, readonly Needed[]>();

  /**
   * A store has acknowledged a file of a directory. It replaces what the directory had before: an artifact any earlier content, a log or an
   * event file only a beginning of the same content. What the directory never had must be kept, unless it is empty.
   */
  acknowledge(key: string, content: string, history: History, since: string): void {
    const kept = (this.#needed.get(key) ?? []).filter(
      (old) => !isReplaced(old.content, key, content, history),
    );
    const added = content === '' ? [] : [{ content, since, successors: new Set<string>() }];
    this.#needed.set(key, [...kept, ...added]);
  }

  /**
   * A store has a file of a directory that it has not acknowledged, and that it can still lose: until it acknowledges it, the file or what it has
   * replaced must be there.
   */
  allow(key: string, content: string, history: History): void {
    const needed = (this.#needed.get(key) ?? []).map((old) =>
      isReplaced(old.content, key, content, history)
        ? { ...old, successors: new Set([...old.successors, content]) }
        : old,
    );
    this.#needed.set(key, needed);
  }

  /** Adds the contents to `hash`. */
  addTo(hash: Hash): void {
    for (const [key, needed] of this.#needed)
      for (const { content } of needed) hash.update(`${key} ${content.length} ${content}\n`);
  }

  /** Describes each needed content that `find` does not find. */
  *findLost(find: (key: string) => readonly string[]): Generator<string> {
    for (const [key, needed] of this.#needed) {
      const found = find(key);
      const isAppended = toFileClass(key) !== 'artifact';
      for (const { content, since, successors } of needed) {
        const isThere = found.some(
          (each) => successors.has(each) || (isAppended ? each.startsWith(content) : each === content),
        );
        if (!isThere)
          yield `${key}: ${shorten(content)} (${since}) is lost; there are ${found.map(shorten).join(', ') || 'no others'}`;
      }
    }
  }
}

/** Whether a directory has replaced `old` by `content` on purpose. */
function isReplaced(old: string, key: string, content: string, history: History): boolean {
  const path = key.slice(key.indexOf('/') + 1);
  return (
    old === content || (toFileClass(path) === 'artifact' ? history.has(path, old) : content.startsWith(old))
  );
}

function shorten(content: string): string {
  const text = JSON.stringify(content);
  return text.length <= 90 ? text : `${text.slice(0, 50)}…${text.slice(-30)}`;
}
