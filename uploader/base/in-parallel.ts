/** Far fewer than the 1,024 files that a process may usually open. */
const FILES_AT_ONCE = 64;

/** Returns the result of `work` for each item, in order. Works on a few items at a time, because each may open a file. */
export async function mapInParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  await inParallel(FILES_AT_ONCE, items.entries(), async ([index, item]) => {
    results[index] = await work(item);
  });
  return results;
}

/** Runs `work` for each item, at most `limit` at a time. */
export async function inParallel<Item>(
  limit: number,
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await work(next.value);
  };
  const workers = await Promise.allSettled(Array.from({ length: limit }, worker));
  for (const outcome of workers) if (outcome.status === 'rejected') throw outcome.reason;
}
