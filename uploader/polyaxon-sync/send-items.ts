/**
 * Sends items in requests of bounded size. If the server rejects a request, sends each half separately, until the rejected items are
 * found. They are reported with the reason, and all other items are sent.
 */

import { PolyaxonApiError } from '../polyaxon-api/api-error.js';

export interface SendItemsOptions<Item> {
  readonly maxBytes: number;
  readonly maxItems: number;
  readonly send: (items: readonly Item[]) => Promise<void>;
  readonly onSent: (items: readonly Item[]) => void;
  /** Called for an item that the server rejects in a request without other items. */
  readonly onRefused: (item: Item, error: PolyaxonApiError) => void;
}

interface Sized {
  readonly sizeBytes: number;
}

/** Sends all items. Rejects on an error that does not concern single items; items already passed to `onSent` are sent. */
export async function sendItems<Item extends Sized>(
  items: readonly Item[],
  options: SendItemsOptions<Item>,
): Promise<void> {
  for (const batch of toBatches(items, options)) await sendHalving(batch, options);
}

/** Splits items into batches, in order. An item larger than `maxBytes` gets its own batch. */
export function toBatches<Item extends Sized>(
  items: readonly Item[],
  { maxBytes, maxItems }: Pick<SendItemsOptions<Item>, 'maxBytes' | 'maxItems'>,
): Item[][] {
  const batches: Item[][] = [];
  let batch: Item[] = [];
  let sizeBytes = 0;
  for (const item of items) {
    if (batch.length > 0 && (batch.length >= maxItems || sizeBytes + item.sizeBytes > maxBytes)) {
      batches.push(batch);
      batch = [];
      sizeBytes = 0;
    }
    batch.push(item);
    sizeBytes += item.sizeBytes;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

async function sendHalving<Item extends Sized>(
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
    await sendHalving(items.slice(0, half), options);
    await sendHalving(items.slice(half), options);
  }
}

/** Whether a server rejects the content of a request, not the request as such. */
function isAboutItems(error: unknown): error is PolyaxonApiError {
  return (
    error instanceof PolyaxonApiError &&
    (error.code === 'ERR_API_INVALID' || error.code === 'ERR_API_TOO_LARGE')
  );
}
