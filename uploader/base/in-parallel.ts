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
