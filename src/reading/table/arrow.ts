/** Encodes a table as an Arrow IPC file (Feather), with the package apache-arrow. */

import { type Library, loadLibrary } from '../../base/load-library.js';
import type { MetricTable } from './metric-table.js';

const LIBRARY: Library = { name: 'apache-arrow', wanted: 'apache-arrow@21' };

/** Throws `LibraryMissingError`. */
export async function* encodeArrow({ columns, chunks }: MetricTable): AsyncGenerator<Uint8Array, void, void> {
  const arrow = await loadLibrary(LIBRARY, () => import('apache-arrow'));
  const types = { text: new arrow.Utf8(), integer: new arrow.Int64(), number: new arrow.Float64() };
  const schema = new arrow.Schema(
    columns.map(({ name, type }) => new arrow.Field(name, types[type], type === 'number')),
  );
  const writer = new arrow.RecordBatchFileWriter();
  writer.reset(undefined, schema);
  const bytes = writer[Symbol.asyncIterator]();
  /** What is encoded and not returned yet. The end of the last message is known by its size. */
  const pending: Uint8Array[] = [];
  let isDone = false;
  const reading = (async () => {
    for (;;) {
      const { done, value } = await bytes.next();
      if (done === true) break;
      pending.push(value);
    }
    isDone = true;
  })();
  for await (const { count, data } of chunks) {
    const children = columns.map(({ type }, i) => arrow.vectorFromArray(data[i]!, types[type]).data[0]!);
    const struct = arrow.makeData({
      type: new arrow.Struct(schema.fields),
      length: count,
      nullCount: 0,
      children,
    });
    writer.write(new arrow.RecordBatch(schema, struct));
    yield* pending.splice(0);
  }
  writer.finish();
  await reading;
  if (isDone) yield* pending.splice(0);
}
