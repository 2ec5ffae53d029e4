/** Listings and reads of Polyaxon's streams service. The service lists directories, and returns only whole files. */

import { crc32 } from 'node:zlib';
import { inBackground } from '../../../src/base/background.js';
import { StoreRequestError } from '../../base/errors.js';
import { OutcomeError } from '../../base/retry-table.js';
import { apiOutcomeFrom, PolyaxonApiError } from '../../polyaxon-api/api-error.js';
import type { PolyaxonClient } from '../../polyaxon-api/client.js';
import type { ProjectDirectory } from '../../polyaxon-api/project-directory.js';
import type { ArtifactTree, RunRef } from '../../polyaxon-api/types.js';
import { boundRead, ListingGuard } from '../base/bounds.js';
import { compareBytes } from '../base/compare-bytes.js';
import type { HeadOutcome, ListedObject, ListOptions, ObjectVersion, ReadOptions } from '../base/store.js';
import { fromServerPath, toServerPath } from './names.js';

const MAX_PATH_BYTES = 4096;
const TREES_AHEAD = 4;
/** Of the directories that the caller expects, as many as this are requested at once. */
const EXPECTED_AT_ONCE = 8;

type PendingTree = Promise<ArtifactTree | null>;

export interface ServerPlace {
  readonly ref: RunRef;
  /** The path inside the run, in the server's encoding. */
  readonly path: string;
}

export class PolyaxonReader {
  readonly #client: PolyaxonClient;
  readonly #projects: ProjectDirectory;

  constructor(client: PolyaxonClient, projects: ProjectDirectory) {
    this.#client = client;
    this.#projects = projects;
  }

  /** The location of a key `<uuid>/<path>`. Throws `RangeError` without a uuid. */
  parseKey(key: string): ServerPlace {
    const slash = key.indexOf('/');
    if (slash <= 0) throw new RangeError(`${key}: the key does not begin with the uuid of a run`);
    return { ref: this.#projects.refOf(key.slice(0, slash)), path: toServerPath(key.slice(slash + 1)) };
  }

  /** `directory`: the path is a directory, which an upload would remove. */
  async find(key: string, signal?: AbortSignal): Promise<HeadOutcome | { readonly status: 'directory' }> {
    const { ref, path } = this.parseKey(key);
    try {
      const tree = await this.#client.getTree(ref, path, { signal });
      if (tree === null) return { status: 'absent' };
      const sizeBytes = findOnlyFile(tree, path);
      if (sizeBytes === null) return { status: 'directory' };
      const object = { ...toVersion(sizeBytes), crc32: null, commitId: null, generation: null };
      return { status: 'found', object };
    } catch (error) {
      return apiOutcomeFrom(error);
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListedObject> {
    const parent = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (parent === '') {
      const error = new StoreRequestError(`list ${prefix}: the server can list only one run, <uuid>/…`);
      throw new OutcomeError({ status: 'failed', error });
    }
    const pending = this.#getExpected(parent, options);
    const tree = await (pending.get(parent) ?? this.#getTree(parent, options.signal));
    yield* this.#walk(parent, tree, prefix, { ...options, pending }, new ListingGuard(`list ${prefix}`));
  }

  /**
   * The bytes `[start, end)`. The server always sends the whole file, and holds it in memory meanwhile. Two concurrent requests for a file may each
   * get only a part of it; fewer than `sizeBytes` bytes are reported as an error.
   */
  async *read(
    key: string,
    options: Pick<ReadOptions, 'range' | 'signal'> & { readonly sizeBytes: number },
  ): AsyncGenerator<Uint8Array> {
    const { range = { start: 0, end: Number.POSITIVE_INFINITY }, signal, sizeBytes } = options;
    if (range.end <= range.start) return;
    const { ref, path } = this.parseKey(key);
    let position = 0;
    try {
      const bytes = await this.#client.readArtifact(ref, path, { signal });
      if (bytes === null) throw torn(key, 0, sizeBytes);
      for await (const chunk of bytes) {
        const wanted = chunk.subarray(
          Math.max(0, range.start - position),
          Math.max(0, Math.min(chunk.length, range.end - position)),
        );
        position += chunk.length;
        if (wanted.length > 0) yield wanted;
        if (position >= range.end) return;
      }
    } catch (error) {
      if (error instanceof OutcomeError) throw error;
      throw new OutcomeError(apiOutcomeFrom(error));
    }
    if (position < Math.min(range.end, sizeBytes)) throw torn(key, position, sizeBytes);
  }

  async crc32(key: string, sizeBytes: number, signal?: AbortSignal): Promise<number> {
    let crc = 0;
    const pieces = this.read(key, { sizeBytes, signal });
    for await (const bytes of boundRead(key, pieces, { maxBytes: sizeBytes })) crc = crc32(bytes, crc);
    return crc;
  }

  /** `directory` ends with a slash. Directories are sorted by their name plus a slash, which gives the order of the keys in them. */
  async *#walk(
    directory: string,
    tree: ArtifactTree | null,
    prefix: string,
    options: ListOptions & { readonly pending: ReadonlyMap<string, PendingTree> },
    guard: ListingGuard,
  ): AsyncGenerator<ListedObject> {
    const { after, signal } = options;
    if (tree === null) return;
    // No upload creates such a path. A server may return a directory inside itself, without end.
    if (Buffer.byteLength(directory) > MAX_PATH_BYTES) guard.end('a path has more than 4,096 bytes');
    guard.advance(directory, Object.keys(tree.files).length + tree.directories.length);
    const entries = [
      ...Object.entries(tree.files).map(([name, sizeBytes]) => ({
        key: `${directory}${fromServerPath(name)}`,
        sizeBytes,
      })),
      ...tree.directories.map((name) => ({ key: `${directory}${fromServerPath(name)}/`, sizeBytes: null })),
    ].sort((a, b) => compareBytes(a.key, b.key));
    const isBefore = (key: string): boolean => after !== undefined && compareBytes(key, after) <= 0;
    const mayHold = (key: string): boolean =>
      (key.startsWith(prefix) || prefix.startsWith(key)) &&
      (!isBefore(key) || after?.startsWith(key) === true);
    const inside = entries.filter(({ key, sizeBytes }) => sizeBytes === null && mayHold(key));
    const trees: PendingTree[] = [];
    for (const { key, sizeBytes } of entries) {
      if (sizeBytes !== null) {
        if (key.startsWith(prefix) && !isBefore(key)) yield { key, ...toVersion(sizeBytes) };
        continue;
      }
      if (!mayHold(key)) continue;
      // The next directories are requested while the caller gets the files of this one.
      for (const next of inside.splice(0, TREES_AHEAD - trees.length))
        trees.push(options.pending.get(next.key) ?? this.#getTreeAhead(next.key, signal));
      yield* this.#walk(key, (await trees.shift()) ?? null, prefix, options, guard);
    }
  }

  /** The requests for the first directories that the caller expects, and for those that contain them, by key. */
  #getExpected(parent: string, { expected = [], signal }: ListOptions): ReadonlyMap<string, PendingTree> {
    const pending = new Map<string, PendingTree>();
    for (const directory of expected) {
      const path = directory === '' ? parent : `${parent}${directory}/`;
      for (let end = parent.length; end > 0; end = path.indexOf('/', end) + 1) {
        const key = path.slice(0, end);
        if (!pending.has(key) && pending.size < EXPECTED_AT_ONCE)
          pending.set(key, this.#getTreeAhead(key, signal));
      }
    }
    return pending;
  }

  #getTreeAhead(directory: string, signal: AbortSignal | undefined): PendingTree {
    const pending = this.#getTree(directory, signal);
    inBackground(
      pending.then(() => undefined),
      () => undefined, // it rejects where the directory is walked, unless the caller stops first
    );
    return pending;
  }

  async #getTree(directory: string, signal: AbortSignal | undefined): Promise<ArtifactTree | null> {
    const { ref, path } = this.parseKey(directory);
    try {
      return await this.#client.getTree(ref, path.replace(/\/$/, ''), { signal });
    } catch (error) {
      throw new OutcomeError(apiOutcomeFrom(error));
    }
  }
}

/** The version of a file. Its ETag is the size, because the server reports nothing else. */
export function toVersion(sizeBytes: number): ObjectVersion {
  return { etag: `size-${sizeBytes}`, sizeBytes };
}

/**
 * The size of a file, from a listing of its path as if it were a directory; null for a directory. A directory that contains only a file with
 * the directory's name gives the same listing. It counts as a file, and nothing overwrites it.
 */
function findOnlyFile({ files, directories }: ArtifactTree, path: string): number | null {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const sizeBytes = files[name];
  const isOnly = Object.keys(files).length === 1 && directories.length === 0;
  return isOnly && Object.hasOwn(files, name) && sizeBytes !== undefined ? sizeBytes : null;
}

function torn(key: string, foundBytes: number, sizeBytes: number): OutcomeError {
  const message = `read ${key}: received ${foundBytes} of ${sizeBytes} bytes`;
  return new OutcomeError({
    status: 'retry',
    cause: new PolyaxonApiError('ERR_API_SERVER', message, { failureCode: 'EBUSY' }),
    maxAttempts: 5,
  });
}
