/**
 * Items at which a server fails again and again although it answers otherwise: they are left alone for a while, so that everything else gets through. Pure.
 *
 * A failure says nothing of what failed, unlike a refusal, so that such an item is tried again later as it is.
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

/** So many failures in a row are no outage any more that others would not see. */
const MAX_STRIKES = 5;
const REST_MS = 600_000;

export class Quarantine {
  readonly #strikes = new Map<string, number>();
  readonly #quarantine = new Map<string, QuarantinedItem>();

  /** A request with these items has failed. True when it is time to ask whether they are to blame. */
  strike(items: readonly Item[]): boolean {
    const key = toKey(items);
    const strikes = (this.#strikes.get(key) ?? 0) + 1;
    this.#strikes.set(key, strikes);
    return strikes >= MAX_STRIKES;
  }

  /** They were taken. */
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

/** Of a request: the same items with the same values. */
function toKey(items: readonly Item[]): string {
  const [first] = items;
  const last = items.at(-1);
  return `${items.length} ${first?.key} ${first?.hash} ${last?.key} ${last?.hash}`;
}
