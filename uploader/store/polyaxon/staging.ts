/**
 * Sends many new files of a run as a few archives, and proves what the server has stored of them.
 *
 * The server extracts an archive only into a directory that does not exist yet, so nothing is replaced. A file counts as stored only if the server's
 * tree shows it with its size, and an archive of the whole run contains it with its checksum: the server merges the tree into a cache that keeps
 * removed files, so the archive alone is no proof. Archives of single directories are not used: those of different runs overwrite each other
 * on the server. Failures of the server and of files have no effect, because each file can still be committed on its own.
 *
 * Source: haupt 2.16.1, `streams/controllers/uploads.py`, `streams/endpoints/artifacts.py`; polyaxon 2.16, `_fs/async_manager.py`, `_fs/tar.py`.
 */

import { randomUUID } from 'node:crypto';
import { pipeline, Readable } from 'node:stream';
import { constants, crc32, createGunzip, createGzip } from 'node:zlib';
import { CodedError } from '../../../src/base/errors.js';
import { inParallel } from '../../base/in-parallel.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import { OutcomeError } from '../../base/retry-table.js';
import { checksumTar, encodeTarFile, TAR_END } from '../../base/tar.js';
import { PolyaxonApiError } from '../../polyaxon-api/api-error.js';
import type { PolyaxonClient } from '../../polyaxon-api/client.js';
import type { RunRef } from '../../polyaxon-api/types.js';
import { boundRead } from '../base/bounds.js';
import type { ByteBudget } from '../base/byte-budget.js';
import type { Extent, NewFile, StageRequest } from '../base/store.js';

/** A new file, with its path inside the run in the server's encoding. */
export interface PlacedFile extends NewFile {
  readonly path: string;
}

export interface SentFile extends Extent {
  readonly key: string;
  readonly isProven: boolean;
}

interface Archive {
  /** Does not exist on the server. Empty for the run itself. */
  readonly directory: string;
  readonly files: readonly PlacedFile[];
}

const MIB = 1024 * 1024;
/** Where a directory fits into this, one archive has all its files; else its directories get their own archives. */
const TREE_BYTES = 16 * MIB;
/** Files directly in a directory can only be in one archive. */
const DIRECTORY_BYTES = 128 * MIB;
/** A compressed archive ends with the file that reaches this. At 1 Mbit/s, it takes less than the time limit of a request. */
const ARCHIVE_BYTES = 6 * MIB;
/** The archive and one file, in memory. */
const MEMORY_BYTES = 16 * MIB;
/** The header of a file, its padding, and a header for a long name. */
const HEADER_BYTES = 2048;
/** Other files of the run are read back, too. With more of them, the files are proven one by one. */
const OTHER_BYTES = 16 * MIB;
/** One request for each. Also ends the listing of a server that returns a directory inside itself. */
const MAX_DIRECTORIES = 1000;
/** Digits repeat in short runs, which are cheaper as single codes: event files become 13 % smaller than with the default strategy. */
const GZIP_OPTIONS = { strategy: constants.Z_FILTERED };
const MISSING = { bytes: Buffer.alloc(0), mtime: -1 };
const REQUESTS_AT_ONCE = 4;

interface StagingOptions extends Omit<StageRequest, 'files'> {
  readonly client: PolyaxonClient;
  readonly budget: ByteBudget;
  /** Called for each file that was sent, before the server can have it, and again when it is proven. */
  readonly onSent: (file: SentFile) => void;
}

/** Sends the files of one run. Those that are reported as proven are stored. Rejects only for a bug in this program. */
export async function stageRun(
  ref: RunRef,
  files: readonly PlacedFile[],
  options: StagingOptions,
): Promise<void> {
  try {
    await sendAndProve(ref, files, options);
  } catch (error) {
    throwBug(error, options.signal);
  }
}

/** Throws an error that is neither a failure of the server, the network or a file, nor an abort. */
function throwBug(error: unknown, signal: AbortSignal | undefined): void {
  const isKnown = error instanceof CodedError || error instanceof OutcomeError;
  if (!isKnown && systemErrorCode(error) === undefined && signal?.aborted !== true) throw error;
}

async function sendAndProve(
  ref: RunRef,
  files: readonly PlacedFile[],
  options: StagingOptions,
): Promise<void> {
  const sent = new Map<string, SentFile>();
  let acceptedArchives = 0;
  const chains = await planArchives(ref, '', files, options);
  await inParallel(REQUESTS_AT_ONCE, chains, async (chain) => {
    try {
      for (const archive of chain) {
        await sendArchive(ref, archive, sent, options);
        acceptedArchives += 1;
      }
    } catch (error) {
      throwBug(error, options.signal); // else the other archives may be stored
    }
  });
  if (acceptedArchives > 0) await prove(ref, sent, options);
}

/**
 * The archives for a directory that may exist, in chains: a directory that does not exist, then directories in it. The first archive of a
 * chain must not find its directory made by a later one.
 */
async function planArchives(
  ref: RunRef,
  directory: string,
  files: readonly PlacedFile[],
  options: StagingOptions,
): Promise<Archive[][]> {
  const tree = await options.client.getTree(ref, directory, { signal: options.signal });
  if (tree === null) return [toArchives(directory, files)];
  const chains: Archive[][] = [];
  for (const [path, inside] of groupByDirectory(directory, files).directories) {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (tree.directories.includes(name))
      for (const chain of await planArchives(ref, path, inside, options)) chains.push(chain);
    else if (!Object.hasOwn(tree.files, name)) chains.push(toArchives(path, inside));
  }
  return chains;
}

/** The archives for a directory that does not exist. Files directly in it go first: only one archive can create it. */
function toArchives(directory: string, files: readonly PlacedFile[]): Archive[] {
  const { direct, directories } = groupByDirectory(directory, files);
  let sizeBytes = 0;
  const fits = (group: readonly PlacedFile[], maxBytes: number): boolean => {
    const bytes = group.reduce((sum, file) => sum + file.sizeBytes + HEADER_BYTES, sizeBytes);
    if (bytes > maxBytes) return false;
    sizeBytes = bytes;
    return true;
  };
  const chosen = direct.filter((file) => fits([file], DIRECTORY_BYTES));
  const later: [string, PlacedFile[]][] = [];
  for (const [path, inside] of directories)
    if (fits(inside, TREE_BYTES)) for (const file of inside) chosen.push(file);
    else later.push([path, inside]);
  return [
    ...(chosen.length === 0 ? [] : [{ directory, files: chosen }]),
    ...later.flatMap(([path, inside]) => toArchives(path, inside)),
  ];
}

function groupByDirectory(
  directory: string,
  files: readonly PlacedFile[],
): { readonly direct: PlacedFile[]; readonly directories: Map<string, PlacedFile[]> } {
  const start = directory === '' ? 0 : directory.length + 1;
  const direct: PlacedFile[] = [];
  const directories = new Map<string, PlacedFile[]>();
  for (const file of files) {
    const slash = file.path.indexOf('/', start);
    if (slash < 0) {
      direct.push(file);
      continue;
    }
    const path = file.path.slice(0, slash);
    const inside = directories.get(path);
    if (inside === undefined) directories.set(path, [file]);
    else inside.push(file);
  }
  return { direct, directories };
}

async function sendArchive(
  ref: RunRef,
  { directory, files }: Archive,
  sent: Map<string, SentFile>,
  options: StagingOptions,
): Promise<void> {
  const { client, budget, signal, onBytesSent, onSent } = options;
  await budget.use(MEMORY_BYTES, async () => {
    const contents = new Map<string, SentFile>();
    const bytes = await compress(directory, files, contents, signal);
    if (contents.size === 0) return;
    for (const [path, file] of contents) {
      sent.set(path, file);
      onSent(file);
    }
    onBytesSent?.(bytes.length);
    const name = `.polytrack-${randomUUID()}.tar.gz`;
    try {
      await client.uploadArchive(ref, directory, name, bytes, { signal });
    } catch (error) {
      // The server keeps an archive that it could not extract. No other file has this name.
      if (error instanceof PolyaxonApiError && error.httpStatus === 400)
        await client.deleteArtifact(ref, name, { signal });
      throw error;
    }
  });
}

/** Builds an archive. Leaves out files that cannot be read, or have become smaller. */
async function compress(
  directory: string,
  files: readonly PlacedFile[],
  contents: Map<string, SentFile>,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  let compressedBytes = 0;
  const start = directory === '' ? 0 : directory.length + 1;
  async function* blocks(): AsyncGenerator<Buffer> {
    for (const { key, path, sizeBytes, read } of files) {
      signal?.throwIfAborted();
      if (compressedBytes >= ARCHIVE_BYTES) break;
      const { bytes, mtime } = await read(signal).catch((error: unknown) => {
        throwBug(error, signal);
        return MISSING;
      });
      if (bytes.length !== sizeBytes || mtime < 0) continue;
      contents.set(path, { key, sizeBytes, crc32: crc32(bytes), isProven: false });
      yield encodeTarFile(path.slice(start), bytes, mtime);
    }
    yield TAR_END;
  }
  const chunks: Buffer[] = [];
  const zipped = pipeline(Readable.from(blocks()), createGzip(GZIP_OPTIONS), ignore);
  for await (const chunk of zipped as AsyncIterable<Buffer>) {
    compressedBytes += chunk.length;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function prove(
  ref: RunRef,
  sent: ReadonlyMap<string, SentFile>,
  { client, signal, onSent, onListed }: StagingOptions,
): Promise<void> {
  const sizes = await listSizes(ref, sent.keys(), client, signal);
  const listed = [...sent].filter(([path, { sizeBytes }]) => sizes.get(path) === sizeBytes);
  onListed?.(listed.map(([, { key }]) => key));
  let totalBytes = 0;
  let otherBytes = 0;
  for (const [path, sizeBytes] of sizes) {
    totalBytes += sizeBytes + HEADER_BYTES;
    if (!sent.has(path)) otherBytes += sizeBytes + HEADER_BYTES;
  }
  if (otherBytes > OTHER_BYTES) return;
  const archive = await client.readArchive(ref, { signal });
  if (archive === null) return;
  const unzipped = pipeline(Readable.from(archive), createGunzip(), ignore) as AsyncIterable<Buffer>;
  const bounded = boundRead(ref.uuid, unzipped, { maxBytes: totalBytes + OTHER_BYTES });
  for await (const { name, sizeBytes, crc32 } of checksumTar(bounded)) {
    const file = sent.get(name);
    const isSame = file?.sizeBytes === sizeBytes && file.crc32 === crc32;
    if (isSame && sizes.get(name) === sizeBytes) onSent({ ...file, isProven: true });
  }
}

/** The size of each file of the run, by its path. The directories of `paths` are listed at once, others where they are found. */
async function listSizes(
  ref: RunRef,
  paths: Iterable<string>,
  client: PolyaxonClient,
  signal: AbortSignal | undefined,
): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const known = new Set(['']);
  for (const path of paths)
    for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1))
      known.add(path.slice(0, slash + 1));
  for (let level = [...known]; level.length > 0; ) {
    const next: string[] = [];
    await inParallel(REQUESTS_AT_ONCE, level, async (directory) => {
      const tree = await client.getTree(ref, directory.replace(/\/$/, ''), { signal });
      for (const [name, sizeBytes] of Object.entries(tree?.files ?? {}))
        sizes.set(directory + name, sizeBytes);
      for (const name of tree?.directories ?? []) next.push(`${directory}${name}/`);
    });
    level = next.filter((directory) => !known.has(directory));
    for (const directory of level) known.add(directory);
    if (known.size > MAX_DIRECTORIES) throw new RangeError(`${ref.uuid} has too many directories to list`);
  }
  return sizes;
}

/** The reader of the stream gets its error, too. */
function ignore(): void {}
