/**
 * Quarantines items that a server repeatedly fails to process while it answers other requests, so that all other items are sent. Pure.
 *
 * Unlike a rejection, a failure does not mean that the item is invalid, so the unchanged item is retried after `REST_MS`.
 */

interface Item {
  readonly key: string;
  readonly hash: string;
}

interface QuarantinedItem {
  readonly hash: string;
  readonly message: string;
  readonly untilMs: number;
}

/** After this many failures in a row, the cause may be the items and not an outage. */
const MAX_STRIKES = 5;
const REST_MS = 600_000;

export class Quarantine {
  readonly #strikes = new Map<string, number>();
  readonly #quarantine = new Map<string, QuarantinedItem>();

  /** Counts a failed request with these items. Returns true if the caller should check whether the items are the cause. */
  strike(items: readonly Item[]): boolean {
    const key = toKey(items);
    const strikes = (this.#strikes.get(key) ?? 0) + 1;
    this.#strikes.set(key, strikes);
    return strikes >= MAX_STRIKES;
  }

  /** Resets the items after the server accepted them. */
  clear(items: readonly Item[]): void {
    this.#strikes.delete(toKey(items));
    for (const { key } of items) this.#quarantine.delete(key);
  }

  add({ key, hash }: Item, message: string, nowMs: number): void {
    this.#quarantine.set(key, { hash, message, untilMs: nowMs + REST_MS });
  }

  has({ key, hash }: Item, nowMs: number): boolean {
    const item = this.#quarantine.get(key);
    return item?.hash === hash && nowMs < item.untilMs;
  }

  list(): { readonly item: string; readonly code: 'ERR_API_SERVER'; readonly message: string }[] {
    return [...this.#quarantine].map(([item, { message }]) => ({ item, code: 'ERR_API_SERVER', message }));
  }
}

/** Identifies a request by its items and their values. */
function toKey(items: readonly Item[]): string {
  const [first] = items;
  const last = items.at(-1);
  return `${items.length} ${first?.key} ${first?.hash} ${last?.key} ${last?.hash}`;
}
