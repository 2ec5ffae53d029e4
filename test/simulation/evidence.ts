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

/** The contents that must exist, by `<uuid>/<path>`. */
export class Evidence {
  readonly #needed = new Map<string, { readonly content: string; readonly since: string }[]>();

  /**
   * A store has acknowledged a file of a directory. It replaces what the directory had before: an artifact any earlier content, a log or an
   * event file only a beginning of the same content. What the directory never had must be kept.
   */
  acknowledge(key: string, content: string, history: History, since: string): void {
    const path = key.slice(key.indexOf('/') + 1);
    const isReplaced = (old: string): boolean =>
      old === content ||
      (toFileClass(path) === 'artifact' ? history.has(path, old) : content.startsWith(old));
    const kept = (this.#needed.get(key) ?? []).filter(({ content: old }) => !isReplaced(old));
    this.#needed.set(key, [...kept, { content, since }]);
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
      for (const { content, since } of needed) {
        const isThere = found.some((each) => (isAppended ? each.startsWith(content) : each === content));
        if (!isThere)
          yield `${key}: ${shorten(content)} (${since}) is lost; there are ${found.map(shorten).join(', ') || 'no others'}`;
      }
    }
  }
}

function shorten(content: string): string {
  const text = JSON.stringify(content);
  return text.length <= 90 ? text : `${text.slice(0, 50)}…${text.slice(-30)}`;
}
