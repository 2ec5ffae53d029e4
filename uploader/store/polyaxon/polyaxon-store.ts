/**
 * Polyaxon's streams service as a store: each object is a file of a run, `<uuid>/<path>`.
 *
 * The service has no conditional writes, checksums or metadata, and overwrites files in place. So a commit checks the object, uploads the file,
 * and reads back the bytes of a small file or the size of a large one (the server holds a file in memory while it sends it). Within a process,
 * operations on a key run one after the other. Two uploaders on one run may overwrite each other. staging.ts sends many new files as archives.
 *
 * Source: haupt 2.16.1, `streams/endpoints/artifacts.py`, `streams/controllers/uploads.py`; measured in docs/stores.md.
 */

import { crc32 } from 'node:zlib';
import { StoreLimitError, StoreRequestError } from '../../base/errors.js';
import type { StreamedBody } from '../../base/http/transport.js';
import { inParallel } from '../../base/in-parallel.js';
import { isSafeKey } from '../../base/rel-path.js';
import { type FailedOutcome, OutcomeError } from '../../base/retry-table.js';
import { apiOutcomeFrom, PolyaxonApiError } from '../../polyaxon-api/api-error.js';
import type { PolyaxonClient } from '../../polyaxon-api/client.js';
import { ProjectDirectory, type RunPlace } from '../../polyaxon-api/project-directory.js';
import { boundRead } from '../base/bounds.js';
import { ByteBudget } from '../base/byte-budget.js';
import { POLYAXON_STORE, type StoreCapabilities } from '../base/capabilities.js';
import { KeyedQueue } from '../base/keyed-queue.js';
import type {
  AppendOutcome,
  CheckOutcome,
  CollectOutcome,
  CommitOutcome,
  CommitRequest,
  HeadOutcome,
  ListedObject,
  ListOptions,
  ObjectVersion,
  ReadOptions,
  RemoveOutcome,
  RemoveRequest,
  StageRequest,
  Store,
} from '../base/store.js';
import { type ServerFacts, type StoreFacts, toCredentialFacts } from '../base/store-facts.js';
import { findNameProblem } from './names.js';
import { PolyaxonReader, toVersion } from './reader.js';
import { type PlacedFile, type SentFile, stageRun } from './staging.js';

export interface PolyaxonStoreOptions {
  /** `close` also closes the client. */
  readonly client: PolyaxonClient;
  /** The owner and project of each run. Default: `place` for all runs. */
  readonly projects?: ProjectDirectory | undefined;
  /** The owner and project in the URL; `describe` checks that the project exists. */
  readonly place?: Partial<RunPlace> | undefined;
  /** Tests use other limits. */
  readonly limits?: Partial<PolyaxonStoreLimits> | undefined;
}

export interface PolyaxonStoreLimits {
  /** Bodies up to this size are held in memory and checked before the upload. */
  readonly bufferMaxBytes: number;
  /** Objects up to this size are read back. Of larger ones only the size is checked, unless the commit has not changed it. */
  readonly readBackMaxBytes: number;
  /** The limit for all bodies in memory. */
  readonly budgetBytes: number;
}

const MIB = 1024 * 1024;
const LIMITS: PolyaxonStoreLimits = {
  bufferMaxBytes: 16 * MIB,
  readBackMaxBytes: 16 * MIB,
  budgetBytes: 64 * MIB,
};
const PIECE_BYTES = MIB;
/** Attempts when the bytes read back differ from those sent, as for a wrong checksum (retry.ts). */
const MISMATCH_ATTEMPTS = 3;
/** Fewer files of a run are sent one by one. */
const STAGE_MIN_FILES = 8;
const RUNS_AT_ONCE = 4;
const RUN_MISSING_RETRY_MS = 2_000;
const RUN_MISSING_ATTEMPTS = 5;

export function createPolyaxonStore(options: PolyaxonStoreOptions): PolyaxonStore {
  return new PolyaxonStore(options);
}

/** The id of the store in journals and reports. It has no project, because the location of files does not depend on it. */
export function toPolyaxonStoreId(host: string): string {
  return `polyaxon+${host}`;
}

export class PolyaxonStore implements Store {
  readonly id: string;
  /** The owner and project of each run; callers record them here. */
  readonly projects: ProjectDirectory;
  readonly client: PolyaxonClient;
  readonly #place: Partial<RunPlace>;
  readonly #limits: PolyaxonStoreLimits;
  readonly #reader: PolyaxonReader;
  readonly #queue = new KeyedQueue();
  readonly #budget: ByteBudget;
  /** Files that archives have sent and that are not committed yet, by key. */
  readonly #staged = new Map<string, SentFile>();
  readonly capabilities: StoreCapabilities = POLYAXON_STORE;

  constructor({ client, projects, place = {}, limits }: PolyaxonStoreOptions) {
    this.client = client;
    this.id = toPolyaxonStoreId(client.connection.host);
    this.projects = projects ?? new ProjectDirectory(place);
    this.#place = place;
    this.#limits = { ...LIMITS, ...limits };
    this.#reader = new PolyaxonReader(client, this.projects);
    this.#budget = new ByteBudget(this.#limits.budgetBytes);
  }

  /** `owner/project` from the URL; null when the URL has none. */
  get place(): string | null {
    const { owner, project } = this.#place;
    return owner === undefined || project === undefined ? null : `${owner}/${project}`;
  }

  async check(signal?: AbortSignal): Promise<CheckOutcome> {
    try {
      await this.client.installation({ signal });
      return { status: 'ready' };
    } catch (error) {
      return apiOutcomeFrom(error);
    }
  }

  async facts(): Promise<StoreFacts> {
    const { host: endpoint, credentials } = this.client.connection;
    return { endpoint, credentials: toCredentialFacts(await credentials.describe()) };
  }

  /** Throws `PolyaxonApiError`, also when the project of the URL does not exist. */
  async serverFacts(signal?: AbortSignal): Promise<ServerFacts> {
    const { version = null, dist = null } = await this.client.installation({ signal });
    const { owner, project } = this.#place;
    if (
      owner !== undefined &&
      project !== undefined &&
      (await this.client.findProject(owner, project, { signal })) === null
    )
      throw new PolyaxonApiError(
        'ERR_API_PROJECT_MISSING',
        `${this.id}: the project ${owner}/${project} does not exist`,
      );
    return { version, distribution: dist, project: this.place };
  }

  async stage({ files, ...callbacks }: StageRequest): Promise<void> {
    const runs = new Map<string, PlacedFile[]>();
    for (const file of files) {
      const { ref, path } = this.#reader.parseKey(file.key);
      if (refuse(file.key, path) !== null) continue;
      const run = runs.get(ref.uuid) ?? [];
      runs.set(ref.uuid, run);
      run.push({ ...file, path });
    }
    const onSent = (file: SentFile): void => {
      this.#staged.set(file.key, file);
    };
    await inParallel(RUNS_AT_ONCE, runs, async ([uuid, run]) => {
      if (run.length < STAGE_MIN_FILES) return;
      const options = { client: this.client, budget: this.#budget, onSent, ...callbacks };
      await stageRun(this.projects.refOf(uuid), run, options);
    });
  }

  async commit(request: CommitRequest): Promise<CommitOutcome> {
    const refused = refuse(request.key, this.#reader.parseKey(request.key).path);
    if (refused !== null) return refused;
    return this.#queue.use(request.key, async () => {
      const outcome = await this.#withOutcomes(() => this.#commit(request));
      if (outcome.status === 'stored') this.#staged.delete(request.key);
      return outcome;
    });
  }

  async append(): Promise<AppendOutcome> {
    return { status: 'unsupported' };
  }

  async abandon(): Promise<void> {
    // An incomplete upload leaves nothing to remove: the server keeps it in unnamed temporary files.
  }

  async collect(): Promise<CollectOutcome> {
    return { status: 'collected', removed: 0, left: 0 };
  }

  async remove({ key, version, signal }: RemoveRequest): Promise<RemoveOutcome> {
    return this.#queue.use(key, () =>
      this.#withOutcomes(async (): Promise<RemoveOutcome> => {
        const found = await this.#reader.find(key, signal);
        if (found.status === 'absent') return { status: 'removed' };
        if (found.status === 'directory') return { status: 'conflict' };
        if (found.status !== 'found') return found;
        if (!isVersion(found.object, version)) return { status: 'conflict' };
        const { ref, path } = this.#reader.parseKey(key);
        if (await this.client.deleteArtifact(ref, path, { signal })) return { status: 'removed' };
        const after = await this.#reader.find(key, signal);
        if (after.status === 'absent') return { status: 'removed' };
        const error = new StoreRequestError(`remove ${key}: the server failed without a reason`);
        return { status: 'failed', error };
      }),
    );
  }

  async head(key: string, signal?: AbortSignal): Promise<HeadOutcome> {
    const found = await this.#reader.find(key, signal);
    return found.status === 'directory' ? { status: 'absent' } : found;
  }

  list(prefix: string, options?: ListOptions): AsyncIterable<ListedObject> {
    return this.#reader.list(prefix, options);
  }

  async *read(key: string, options: ReadOptions): AsyncGenerator<Uint8Array> {
    const found = await this.#reader.find(key, options.signal);
    if (found.status === 'retry' || found.status === 'failed') throw new OutcomeError(found);
    if (found.status !== 'found') {
      const error = new StoreRequestError(`read ${key}: the file does not exist`);
      throw new OutcomeError({ status: 'failed', error });
    }
    const { range, signal } = options;
    const { sizeBytes } = found.object;
    yield* boundRead(key, this.#reader.read(key, { range, signal, sizeBytes }), options);
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  async #commit(request: CommitRequest): Promise<CommitOutcome> {
    const { key, base, target, signal } = request;
    const staged = base === null ? this.#staged.get(key) : undefined;
    if (staged?.isProven === true && staged.sizeBytes === target.sizeBytes && staged.crc32 === target.crc32)
      return { status: 'stored', etag: toVersion(target.sizeBytes).etag };
    const found = await this.#reader.find(key, signal);
    if (found.status === 'retry' || found.status === 'failed') return found;
    // An upload would make the server remove the directory and everything in it.
    if (found.status === 'directory') return { status: 'failed', error: directoryInPlace(key) };
    const before = found.status === 'found' ? found.object : null;
    const isBase = base === null ? before === null : before !== null && isVersion(before, base);
    if (!isBase) {
      const outcome = await this.#toConflict(before, request);
      if (outcome.status !== 'conflict' || before === null || staged === undefined) return outcome;
      if (!(await this.#isStaged(before, staged, request))) return outcome;
    }

    const sent =
      target.sizeBytes <= this.#limits.bufferMaxBytes
        ? await this.#budget.use(target.sizeBytes, () => this.#sendBuffer(request))
        : await this.#sendStream(request);
    if (!sent) return { status: 'changed' };
    return this.#verify(request, before);
  }

  /** False when the source does not match the target; then nothing was sent. */
  async #sendBuffer(request: CommitRequest): Promise<boolean> {
    const { key, source, target, signal, onBytesSent } = request;
    const bytes = await source.read(0, target.sizeBytes);
    if (bytes.length < target.sizeBytes || crc32(bytes) !== target.crc32) return false;
    signal?.throwIfAborted();
    onBytesSent?.(bytes.length);
    const { ref, path } = this.#reader.parseKey(key);
    await this.client.uploadArtifact(ref, path, bytes, { signal });
    return true;
  }

  /** As `#sendBuffer`, in pieces. Sends the last piece only if the checksum matches: the server discards an incomplete body. */
  async #sendStream(request: CommitRequest): Promise<boolean> {
    const { key, target, signal } = request;
    const { ref, path } = this.#reader.parseKey(key);
    const stop = new AbortController();
    let failure: { readonly cause: unknown } | null = null;
    const body: StreamedBody = {
      sizeBytes: target.sizeBytes,
      chunks: async function* () {
        try {
          yield* readPieces(request);
        } catch (cause) {
          failure = { cause };
          stop.abort(cause);
          throw cause;
        }
      },
    };
    const both = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    try {
      await this.client.uploadArtifact(ref, path, body, { signal: both });
      return true;
    } catch (error) {
      const cause = (failure as { readonly cause: unknown } | null)?.cause ?? error;
      if (cause instanceof ChangedError) return false;
      throw cause;
    }
  }

  /** Reads the object back. A success response is no proof: a server that copies files to a bucket ignores errors of the copy. */
  async #verify(
    { key, target, signal }: CommitRequest,
    before: ObjectVersion | null,
  ): Promise<CommitOutcome> {
    const version = toVersion(target.sizeBytes);
    const isSmall = target.sizeBytes <= this.#limits.readBackMaxBytes;
    const found = isSmall ? null : await this.#reader.find(key, signal);
    if (found !== null && (found.status === 'retry' || found.status === 'failed')) return found;
    if (found !== null && !(found.status === 'found' && isVersion(found.object, version)))
      return mismatch(key, found.status === 'found' ? `${found.object.sizeBytes} bytes` : 'no file');
    const isProven = found !== null && before?.sizeBytes !== target.sizeBytes;
    if (!isProven && (await this.#reader.crc32(key, target.sizeBytes, signal)) !== target.crc32)
      return mismatch(key, 'different bytes');
    return { status: 'stored', etag: version.etag };
  }

  /** Without a commit id only the bytes show whose object it is: if they match the target, an earlier call has stored them. */
  async #toConflict(
    before: ObjectVersion | null,
    { key, target, signal }: CommitRequest,
  ): Promise<CommitOutcome> {
    if (before?.sizeBytes !== target.sizeBytes) return { status: 'conflict' };
    const crc = await this.#reader.crc32(key, target.sizeBytes, signal);
    return crc === target.crc32 ? { status: 'stored', etag: before.etag } : { status: 'conflict' };
  }

  /** Whether the object is what an archive has stored of the file: its bytes at that time, or the beginning of the bytes that replace it. */
  async #isStaged(
    { sizeBytes }: ObjectVersion,
    staged: SentFile,
    { key, source, target, signal }: CommitRequest,
  ): Promise<boolean> {
    if (sizeBytes > staged.sizeBytes) return false;
    const crc = await this.#reader.crc32(key, sizeBytes, signal);
    if (sizeBytes === staged.sizeBytes && crc === staged.crc32) return true;
    return sizeBytes <= target.sizeBytes && crc === crc32(await source.read(0, sizeBytes));
  }

  /** Runs `work` and turns errors of the API or of a stream into outcomes. */
  async #withOutcomes<Outcome>(
    work: () => Promise<Outcome>,
  ): Promise<Outcome | ReturnType<typeof apiOutcomeFrom>> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof OutcomeError) return error.outcome;
      // Except on the open-source server, a run must exist before its files. Another process may create it shortly after.
      if (error instanceof PolyaxonApiError && error.code === 'ERR_API_RUN_MISSING')
        return {
          status: 'retry',
          cause: error,
          afterMs: RUN_MISSING_RETRY_MS,
          maxAttempts: RUN_MISSING_ATTEMPTS,
        };
      return apiOutcomeFrom(error);
    }
  }
}

/** The bytes of the source do not match the target. */
class ChangedError extends Error {}

async function* readPieces({
  source,
  target,
  signal,
  onBytesSent,
}: CommitRequest): AsyncGenerator<Uint8Array> {
  let crc = 0;
  for (let position = 0; position < target.sizeBytes; ) {
    signal?.throwIfAborted();
    const wanted = Math.min(PIECE_BYTES, target.sizeBytes - position);
    const bytes = await source.read(position, position + wanted);
    if (bytes.length < wanted) throw new ChangedError();
    crc = crc32(bytes, crc);
    position += bytes.length;
    if (position === target.sizeBytes && crc !== target.crc32) throw new ChangedError();
    onBytesSent?.(bytes.length);
    yield bytes;
  }
}

function isVersion(found: ObjectVersion, wanted: ObjectVersion): boolean {
  return found.etag === wanted.etag && found.sizeBytes === wanted.sizeBytes;
}

function refuse(key: string, path: string): FailedOutcome | null {
  if (!isSafeKey(key))
    return { status: 'failed', error: new StoreRequestError(`${key}: not a path inside a run`) };
  const problem = findNameProblem(path);
  return problem === null ? null : { status: 'failed', error: new StoreLimitError(`${key}: ${problem}`) };
}

function directoryInPlace(key: string): StoreRequestError {
  return new StoreRequestError(`write ${key}: a directory has this path, and an upload would remove it`);
}

function mismatch(key: string, found: string): CommitOutcome {
  const cause = new StoreRequestError(`write ${key}: reading back found ${found}`);
  return { status: 'retry', cause, maxAttempts: MISMATCH_ATTEMPTS };
}
