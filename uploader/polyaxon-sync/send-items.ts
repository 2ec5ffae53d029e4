/**
 * Sends items, and finds those that the server rejects: if it rejects a request, each half is sent separately, until the rejected items are
 * found. All others are sent.
 */

import { PolyaxonApiError } from '../polyaxon-api/api-error.js';

interface SendItemsOptions<Item> {
  readonly send: (items: readonly Item[]) => Promise<void>;
  readonly onSent: (items: readonly Item[]) => void;
  /** Called for an item that the server rejects in a request without other items. */
  readonly onRefused: (item: Item, error: PolyaxonApiError) => void;
}

/** Sends all items. Rejects on an error that does not concern single items; items already passed to `onSent` are sent. */
export async function sendItems<Item>(
  items: readonly Item[],
  options: SendItemsOptions<Item>,
): Promise<void> {
  try {
    await options.send(items);
    options.onSent(items);
  } catch (error) {
    if (!isAboutItems(error)) throw error;
    const [first] = items;
    if (items.length === 1 && first !== undefined) {
      options.onRefused(first, error);
      return;
    }
    const half = Math.ceil(items.length / 2);
    await sendItems(items.slice(0, half), options);
    await sendItems(items.slice(half), options);
  }
}

/** Whether a server rejects the content of a request, not the request as such. */
function isAboutItems(error: unknown): error is PolyaxonApiError {
  return (
    error instanceof PolyaxonApiError &&
    (error.code === 'ERR_API_INVALID' || error.code === 'ERR_API_TOO_LARGE')
  );
}
