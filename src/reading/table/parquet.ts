/** Encodes a table as Parquet, with the package hyparquet-writer. */

import { type Library, loadLibrary } from '../../base/load-library.js';
import type { MetricTable, TableColumn } from './metric-table.js';

const LIBRARY: Library = { name: 'hyparquet-writer', wanted: 'hyparquet-writer@0.17' };

/** Throws `LibraryMissingError`. */
export async function* encodeParquet({
  columns,
  chunks,
}: MetricTable): AsyncGenerator<Uint8Array, void, void> {
  const { ByteWriter, ParquetWriter } = await loadLibrary(LIBRARY, () => import('hyparquet-writer'));
  const writer = new ByteWriter();
  const schema = [{ name: 'root', num_children: columns.length }, ...columns.map(toElement)];
  const file = new ParquetWriter({ writer, schema, createdBy: 'polytrack' });
  /** The bytes since the last call. The writer counts its offset apart from its buffer. */
  const take = (): Uint8Array => {
    const bytes = new Uint8Array(writer.buffer.slice(0, writer.index));
    writer.index = 0;
    return bytes;
  };
  for await (const { count, data } of chunks) {
    const columnData = columns.map(({ name }, i) => ({ name, data: [...data[i]!] }));
    await file.write({ columnData, rowGroupSize: count });
    yield take();
  }
  await file.finish();
  yield take();
}

function toElement({ name, type }: TableColumn) {
  const repetition_type = type === 'number' ? ('OPTIONAL' as const) : ('REQUIRED' as const);
  if (type === 'text')
    return { name, type: 'BYTE_ARRAY' as const, converted_type: 'UTF8' as const, repetition_type };
  return { name, type: type === 'integer' ? ('INT64' as const) : ('DOUBLE' as const), repetition_type };
}
