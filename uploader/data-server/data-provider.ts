/**
 * The ten calls of TensorBoard's data provider, on the runs of one source. Field numbers: proto/data_provider.proto.
 *
 * A call that asks for a series gets at most as many numbers as it asks for, with the first, the last and the extremes; never a random sample. Of
 * blobs, such as images, it gets all: TensorBoard asks for ten, and a page loads only the one that it shows.
 */

import { blobsFrom } from '../../src/format/reader/tensor-values.js';
import { encodeTensor } from '../../src/format/wire/encode-event.js';
import { DataClass } from '../../src/format/wire/messages.js';
import { GRPC_STATUS, GrpcFailure, type GrpcMethod, PREFIX_BYTES } from './grpc-server.js';
import { ListEncoder, writeSeries } from './list-encoder.js';
import { decodeBlobKey, encodeBlobKey } from './model/blob-key.js';
import { selectEvenly } from './model/number-columns.js';
import type { ServedSeries } from './model/series-table.js';
import type { ServedRun, StoredPoint } from './model/served-run.js';
import { readTensor } from './model/stored-value.js';
import { NumberEncoder } from './number-encoder.js';
import { readRecords } from './read-records.js';
import { MessageWriter } from './wire/message-writer.js';
import { decodeBlobRequest, decodeSeriesRequest, type SeriesRequest } from './wire/requests.js';

/** Where the runs come from. */
export interface RunTable {
  /** What TensorBoard shows as the location of the data. */
  readonly location: string;
  /** In the order of their names. */
  readonly runs: readonly ServedRun[];
  /** Reports a call, so that the source keeps looking for changes. Resolves when what changed since is read, or after a short time. */
  refresh(): Promise<void>;
}

const SERVICE = '/tensorboard.data.TensorBoardDataProvider/';
/** TensorBoard's client accepts messages of up to 256 MiB. */
const MAX_REPLY_BYTES = 240 * 1024 * 1024;
/** Messages of a blob. A client joins them. */
const BLOB_CHUNK_BYTES = 8 * 1024 * 1024;

export function createMethods(table: RunTable): Readonly<Record<string, GrpcMethod>> {
  const encoder = new NumberEncoder();
  const lists = new ListEncoder();
  const calls: Readonly<
    Record<string, (request: Uint8Array) => Uint8Array | Promise<Uint8Array | Uint8Array[]>>
  > = {
    GetExperiment: () => reply((writer) => writer.string(1, table.location)),
    ListPlugins: () =>
      reply((writer) => {
        const names = new Set(table.runs.flatMap(({ series }) => Array.from(series, ({ plugin }) => plugin)));
        for (const name of names) if (name !== '') writer.message(1, () => writer.string(1, name));
      }),
    ListRuns: () =>
      reply((writer) => {
        for (const { name, startTime } of table.runs)
          writer.message(1, () => {
            writer.string(2, name);
            writer.double(3, startTime);
          });
      }),
    ListScalars: (request) => listSeries(table, request, DataClass.SCALAR, lists),
    ListTensors: (request) => listSeries(table, request, DataClass.TENSOR, lists),
    ListBlobSequences: (request) => listSeries(table, request, DataClass.BLOB_SEQUENCE, lists),
    ReadScalars: (request) => readScalars(table, request, encoder),
    ReadTensors: (request) => readTensors(table, request),
    ReadBlobSequences: (request) => readBlobSequences(table, request),
    ReadBlob: (request) => readBlob(table, decodeBlobRequest(request)),
  };
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [
      SERVICE + name,
      async (request: Uint8Array) => {
        await table.refresh();
        const answer = await call(request);
        return Array.isArray(answer) ? answer : [answer];
      },
    ]),
  );
}

function reply(write: (writer: MessageWriter) => void): Uint8Array {
  const writer = new MessageWriter(PREFIX_BYTES);
  write(writer);
  return writer.finish();
}

/** The series that a request selects, by run. */
function selectSeries(
  { runs }: RunTable,
  request: SeriesRequest,
  dataClass: DataClass,
): { run: ServedRun; series: ServedSeries[] }[] {
  return runs.flatMap((run) => {
    if (request.runs?.has(run.name) === false) return [];
    const candidates = request.tags === undefined ? run.series : selectTags(run, request.tags);
    const series = Array.from(candidates).filter(
      (each) => each.dataClass === dataClass && each.plugin === request.plugin,
    );
    return series.length === 0 ? [] : [{ run, series }];
  });
}

function selectTags({ series }: ServedRun, tags: ReadonlySet<string>): ServedSeries[] {
  return Array.from(tags, (tag) => series.get(tag) ?? []).flat();
}

function listSeries(
  table: RunTable,
  bytes: Uint8Array,
  dataClass: DataClass,
  encoder: ListEncoder,
): Uint8Array {
  const request = decodeSeriesRequest(bytes);
  const kind = { plugin: request.plugin, dataClass };
  return reply((writer) => {
    for (const run of table.runs) {
      if (request.runs?.has(run.name) === false) continue;
      if (request.tags === undefined) encoder.writeRun(writer, run, kind);
      else writeSeries(writer, run, selectTags(run, request.tags), kind);
    }
  });
}

function readScalars(table: RunTable, bytes: Uint8Array, encoder: NumberEncoder): Uint8Array {
  const request = decodeSeriesRequest(bytes);
  return reply((writer) => {
    for (const { run, series } of selectSeries(table, request, DataClass.SCALAR)) {
      writer.message(1, () => {
        writer.string(1, run.name);
        for (const { tag } of series) {
          const points = run.numbersOf(tag);
          if (points.count === 0) continue;
          writer.message(2, () => {
            writer.string(1, tag);
            writer.pieces(2, [encoder.encode(points, request.points)]);
          });
        }
      });
    }
  });
}

async function readTensors(table: RunTable, bytes: Uint8Array): Promise<Uint8Array> {
  const request = decodeSeriesRequest(bytes);
  const selected = selectSeries(table, request, DataClass.TENSOR);
  const read: {
    run: ServedRun;
    tags: { tag: string; points: readonly StoredPoint[]; tensors: Uint8Array[][] }[];
  }[] = [];
  let budget = MAX_REPLY_BYTES;
  for (const { run, series } of selected) {
    const tags = [];
    for (const { tag, plugin } of series) {
      const all = run.storedOf(tag);
      if (all.length === 0) continue;
      const points = takeFitting(selectEvenly(all, request.points), budget);
      const tensors: Uint8Array[][] = [];
      for (const { point, record } of await readRecords(points)) {
        const pieces = [...encodeTensor(readTensor(record, point.value, plugin))];
        budget -= record.length;
        tensors.push(pieces);
      }
      tags.push({ tag, points, tensors });
    }
    read.push({ run, tags });
  }
  return reply((writer) => {
    for (const { run, tags } of read)
      writer.message(1, () => {
        writer.string(1, run.name);
        for (const { tag, points, tensors } of tags)
          writer.message(2, () => {
            writer.string(1, tag);
            writer.message(2, () => {
              writeTimes(
                writer,
                points.map(({ value }) => value),
              );
              for (const tensor of tensors) writer.pieces(3, tensor);
            });
          });
      });
  });
}

/** As many of the points, evenly, as their records have room for in `budget` bytes. */
function takeFitting(points: readonly StoredPoint[], budget: number): readonly StoredPoint[] {
  const needed = points.reduce((sum, { value }) => sum + value.sizeBytes, 0);
  if (needed <= budget) return points;
  return selectEvenly(points, Math.max(1, Math.floor((points.length * budget) / needed)));
}

function writeTimes(
  writer: MessageWriter,
  points: readonly { readonly step: number | bigint; readonly wallTime: number }[],
): void {
  writer.packedInt64(
    1,
    points.map(({ step }) => step),
  );
  writer.packed(
    2,
    Float64Array.from(points, ({ wallTime }) => wallTime),
  );
}

function readBlobSequences(table: RunTable, bytes: Uint8Array): Uint8Array {
  const request = decodeSeriesRequest(bytes);
  const { plugin } = request;
  return reply((writer) => {
    for (const { run, series } of selectSeries(table, request, DataClass.BLOB_SEQUENCE)) {
      writer.message(1, () => {
        writer.string(1, run.name);
        for (const { tag } of series) {
          const points = firstOfSteps(run.storedOf(tag));
          if (points.length === 0) continue;
          writer.message(2, () => {
            writer.string(1, tag);
            // A page of graphs asks for one, and takes the first of the answer.
            const shown = request.points === 1 ? points.slice(-1) : points;
            writer.message(2, () => {
              writeTimes(
                writer,
                shown.map(({ value }) => value),
              );
              for (const { value } of shown)
                writer.message(3, () => {
                  for (let index = 0; index < value.elements; index++) {
                    const key = encodeBlobKey({ plugin, run: run.name, tag, step: value.step, index });
                    writer.message(1, () => writer.string(1, key));
                  }
                });
            });
          });
        }
      });
    }
  });
}

/** The first value of each step, in the order of steps. */
function firstOfSteps(points: readonly StoredPoint[]): StoredPoint[] {
  const byStep = new Map<number | bigint, StoredPoint>();
  for (const point of points) if (!byStep.has(point.value.step)) byStep.set(point.value.step, point);
  return [...byStep.values()].sort((a, b) => (a.value.step < b.value.step ? -1 : 1));
}

async function readBlob({ runs }: RunTable, key: string): Promise<Uint8Array[]> {
  const wanted = decodeBlobKey(key);
  const run = runs.find(({ name }) => name === wanted?.run);
  const point = run?.storedOf(wanted!.tag).find(({ value }) => value.step === wanted!.step);
  if (wanted === undefined || point === undefined)
    throw new GrpcFailure(GRPC_STATUS.notFound, `no blob has the key ${key}`);
  const [read] = await readRecords([point]);
  const blob = blobsFrom(wanted.tag, readTensor(read!.record, point.value, wanted.plugin))[wanted.index];
  if (blob === undefined) throw new GrpcFailure(GRPC_STATUS.notFound, `no blob has the key ${key}`);
  const messages: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < blob.length; at += BLOB_CHUNK_BYTES)
    messages.push(reply((writer) => writer.bytes(1, blob.subarray(at, at + BLOB_CHUNK_BYTES))));
  return messages;
}
