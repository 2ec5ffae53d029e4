/**
 * The client for the calls of Polyaxon's API that polytrack uses: one method for each call, one attempt for each.
 *
 * Every method throws `PolyaxonApiError` if the server rejects the call or cannot be reached, and the signal's reason if the signal is
 * aborted. The caller retries (`attempt` in api-error.ts, `RetryPolicy`). All calls except `createProject` may be repeated.
 *
 * Long because it has all calls of the uploader, each a few lines that share its private helpers.
 *
 * The client never sends an empty map or list, because the server would clear the field, even with `merge` (haupt 2.16.1, `serializers/runs.py`).
 */

import type { Clock } from '../../src/base/clock.js';
import { describe } from '../../src/base/describe.js';
import { InvalidArgumentError } from '../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../src/base/options.js';
import type { V1RunArtifact, V1StatusCondition } from '../../src/polyaxon/api-types.js';
import type { StreamedBody, Transport } from '../base/http/transport.js';
import { createUndiciTransport } from '../base/http/undici-transport.js';
import { inParallel } from '../base/in-parallel.js';
import { decodeBody, expectEmpty } from './api-answer.js';
import { PolyaxonApiError, toUnreachable } from './api-error.js';
import { type ApiCall, ApiSession } from './api-session.js';
import type { PolyaxonConnection } from './connection.js';
import { toMultipart, type UploadTarget } from './multipart-body.js';
import type {
  ArtifactTree,
  Installation,
  PatchRunBody,
  PolyaxonProject,
  PolyaxonRun,
  RunRef,
  RunStatuses,
  SyncRunBody,
} from './types.js';

export interface PolyaxonClientOptions {
  readonly connection: PolyaxonConnection;
  /** Default: undici, with the connection's certificates and proxies. */
  readonly transport?: Transport | undefined;
  readonly clock?: Clock | undefined;
  /** Awaited before each call, to limit the calls per second. */
  readonly beforeRequest?: ((signal?: AbortSignal) => Promise<void>) | undefined;
  /** Receives a notice when the clocks of this host and of the server differ by more than a few seconds. */
  readonly onNotice?:
    | ((notice: { readonly code: 'NOTICE_CLOCK_SKEW'; readonly message: string }) => void)
    | undefined;
}
const CLIENT_OPTIONS: OptionTable<PolyaxonClientOptions> = {
  connection: 'object',
  transport: 'object',
  clock: 'object',
  beforeRequest: 'function',
  onNotice: 'function',
};

/** Options of every call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}
const CALL_OPTIONS: OptionTable<CallOptions> = { signal: 'object' };

interface PostStatusOptions extends CallOptions {
  readonly force?: boolean | undefined;
}
const POST_STATUS_OPTIONS: OptionTable<PostStatusOptions> = { ...CALL_OPTIONS, force: 'boolean' };

export interface RequestOptions extends CallOptions {
  /** Undefined values are omitted. */
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  /** Sent as JSON, including empty maps and lists. */
  readonly body?: object | undefined;
  /** `api` (default): the path is below `/api/v1`. `streams`: it is below `/streams/v1/<namespace>`. */
  readonly service?: 'api' | 'streams' | undefined;
}
const REQUEST_OPTIONS: OptionTable<RequestOptions> = {
  ...CALL_OPTIONS,
  query: 'object',
  body: 'object',
  service: 'any',
};

/** The server's default. */
const LINEAGE_PAGE = 100;
const PAGES_AT_ONCE = 4;
const MAX_ARTIFACTS = 1_000_000;

export class PolyaxonClient {
  readonly connection: PolyaxonConnection;
  readonly #session: ApiSession;

  constructor(options: PolyaxonClientOptions) {
    checkOptions('new PolyaxonClient', options ?? null, CLIENT_OPTIONS);
    const { connection } = options;
    if (typeof connection?.host !== 'string')
      throw new InvalidArgumentError(
        'ERR_OPTION_INVALID',
        `new PolyaxonClient: connection is ${describe(connection)}, expected a connection with a host`,
        'Pass the connection that findConnection returns.',
      );
    this.connection = connection;
    const transport = options.transport ?? createUndiciTransport(connection);
    this.#session = new ApiSession(connection, { ...options, transport });
  }

  /** What to add to a time of this host to get that of the server, in ms, by the last answer; 0 unless they differ by more than 5 s. */
  get clockOffsetMs(): number {
    return this.#session.clockOffsetMs;
  }

  /** Returns version and distribution of the server. The cheapest call of the API. */
  async installation(options: CallOptions = {}): Promise<Installation> {
    checkOptions('installation', options, CALL_OPTIONS);
    const operation = `get the version of ${this.connection.host}`;
    return this.#callObject(this.#toCall('GET', ['installation'], operation, 'ERR_API_MISSING', options));
  }

  /** Returns the project, or null if it does not exist. */
  async findProject(
    owner: string,
    project: string,
    options: CallOptions = {},
  ): Promise<PolyaxonProject | null> {
    checkOptions('findProject', options, CALL_OPTIONS);
    const operation = `get the project ${owner}/${project}`;
    const call = this.#toCall('GET', [owner, project], operation, 'ERR_API_PROJECT_MISSING', options);
    return orNull('ERR_API_PROJECT_MISSING', () => this.#callObject(call));
  }

  /** Creates a project. Throws `ERR_API_INVALID` with `fields.name` if it exists, so call `findProject` before, and after a lost answer. */
  async createProject(owner: string, name: string, options: CallOptions = {}): Promise<PolyaxonProject> {
    checkOptions('createProject', options, CALL_OPTIONS);
    const operation = `create the project ${owner}/${name}`;
    const names = [owner, 'projects', 'create'];
    const call = this.#toCall('POST', names, operation, 'ERR_API_MISSING', options);
    return this.#callObject({ ...call, ...toJsonBody({ name }) });
  }

  /** Returns the run, or null if the run or its project does not exist: the open server does not distinguish the two. */
  async getRun(ref: RunRef, options: CallOptions = {}): Promise<PolyaxonRun | null> {
    checkOptions('getRun', options, CALL_OPTIONS);
    const call = this.#toRunCall('GET', ref, [], `get the run ${ref.uuid}`, options);
    return orNull('ERR_API_RUN_MISSING', () => this.#callRun(call));
  }

  /**
   * Creates the run with its existing uuid. Throws `ERR_API_INVALID` (400) if the run exists; call `getRun` then. Throws
   * `ERR_API_PROJECT_MISSING` if the project does not exist.
   */
  async syncRun(ref: RunRef, body: SyncRunBody, options: CallOptions = {}): Promise<PolyaxonRun> {
    checkOptions('syncRun', options, CALL_OPTIONS);
    const { owner, project, uuid } = ref;
    const operation = `create the run ${uuid} in ${owner}/${project}`;
    const names = [owner, project, 'runs', 'sync'];
    const call = this.#toCall('POST', names, operation, 'ERR_API_PROJECT_MISSING', options);
    return this.#callRun({ ...call, ...toJsonBody(withoutEmpty(body)) });
  }

  /** Changes fields of the run and returns the changed run. Sends no request and returns null if all fields are empty. */
  async patchRun(ref: RunRef, body: PatchRunBody, options: CallOptions = {}): Promise<PolyaxonRun | null> {
    checkOptions('patchRun', options, CALL_OPTIONS);
    const fields = withoutEmpty(body);
    if (Object.keys(fields).every((name) => name === 'merge')) return null;
    const call = this.#toRunCall('PATCH', ref, [], `change the run ${ref.uuid}`, options);
    return this.#callRun({ ...call, ...toJsonBody(fields) });
  }

  /** Adds a condition. The server answers the same whether or not it accepts the change; call `getStatuses` to find out. */
  async postStatus(ref: RunRef, condition: V1StatusCondition, given: PostStatusOptions = {}): Promise<void> {
    checkOptions('postStatus', given, POST_STATUS_OPTIONS);
    const { force = false, ...options } = given;
    const operation = `set the status of the run ${ref.uuid} to ${condition.type}`;
    const call = this.#toRunCall('POST', ref, ['statuses'], operation, options);
    await this.#session.callJson({ ...call, ...toJsonBody({ condition, ...(force ? { force } : {}) }) });
  }

  async getStatuses(ref: RunRef, options: CallOptions = {}): Promise<RunStatuses> {
    checkOptions('getStatuses', options, CALL_OPTIONS);
    const operation = `get the statuses of the run ${ref.uuid}`;
    const call = this.#toRunCall('GET', ref, ['statuses'], operation, options);
    const { status, status_conditions } = await this.#callObject(call);
    // Without conditions, the value is `{}` or null.
    const conditions = Array.isArray(status_conditions) ? (status_conditions as V1StatusCondition[]) : [];
    return { status: typeof status === 'string' ? (status as RunStatuses['status']) : null, conditions };
  }

  /** Adds artifacts to the lineage, or changes those with the same name and state. Sends no request for an empty list. */
  async postLineage(
    ref: RunRef,
    artifacts: readonly V1RunArtifact[],
    options: CallOptions = {},
  ): Promise<void> {
    checkOptions('postLineage', options, CALL_OPTIONS);
    if (artifacts.length === 0) return;
    const operation = `register ${artifacts.length} artifacts of the run ${ref.uuid}`;
    const call = this.#toRunCall('POST', ref, ['lineage', 'artifacts'], operation, options);
    await this.#session.callJson({ ...call, ...toJsonBody({ artifacts }) });
  }

  /** Returns all pages of the lineage of the run. */
  async getLineage(ref: RunRef, options: CallOptions = {}): Promise<V1RunArtifact[]> {
    checkOptions('getLineage', options, CALL_OPTIONS);
    const operation = `get the lineage of the run ${ref.uuid}`;
    const call = this.#toRunCall('GET', ref, ['lineage', 'artifacts'], operation, options);
    const readPage = async (offset: number) => {
      const query = { limit: String(LINEAGE_PAGE), offset: String(offset) };
      const { results, count } = await this.#callObject({ ...call, query });
      return { page: Array.isArray(results) ? (results as V1RunArtifact[]) : [], count };
    };
    const { page: found, count } = await readPage(0);
    const total = typeof count === 'number' ? Math.min(count, MAX_ARTIFACTS) : 0;
    const pages: V1RunArtifact[][] = [];
    const first = JSON.stringify(found);
    // A server with smaller pages, or without a count, is read page by page.
    if (found.length === LINEAGE_PAGE && total > LINEAGE_PAGE) {
      const offsets: number[] = [];
      for (let offset = LINEAGE_PAGE; offset < total; offset += LINEAGE_PAGE) offsets.push(offset);
      await inParallel(PAGES_AT_ONCE, offsets.entries(), async ([at, offset]) => {
        pages[at] = (await readPage(offset)).page;
      });
    }
    for (const page of pages) {
      if (JSON.stringify(page) === first) throw endless(operation, found.length);
      for (const artifact of page) found.push(artifact);
    }
    for (let before = first; typeof count !== 'number' || found.length < count; ) {
      const { page } = await readPage(found.length);
      if (page.length === 0) break;
      for (const artifact of page) found.push(artifact);
      const text = JSON.stringify(page);
      if (text === before || found.length > MAX_ARTIFACTS) throw endless(operation, found.length);
      before = text;
    }
    return found;
  }

  /** Lists a directory of the run's artifacts; null if it does not exist. The path of a file lists that file under its name. */
  async getTree(ref: RunRef, path: string, options: CallOptions = {}): Promise<ArtifactTree | null> {
    checkOptions('getTree', options, CALL_OPTIONS);
    const operation = `list ${ref.uuid}/${path}`;
    const call = this.#toStreamsCall('GET', ref, ['artifacts', 'tree'], operation, { path }, options);
    const { files, dirs, error } = await this.#callObject(call);
    if (typeof error === 'string') {
      // For a missing directory, the server returns a success with an error of Python. Other errors may be temporary.
      if (isAboutAbsence(error, `${ref.uuid}/${path}`)) return null;
      const message = `${operation}: ${error}`;
      throw new PolyaxonApiError('ERR_API_SERVER', message, { failureCode: 'InternalError' });
    }
    if (typeof files !== 'object' || files === null || !Array.isArray(dirs)) throw unexpected(operation);
    if (dirs.some((name) => typeof name !== 'string')) throw unexpected(operation);
    return { files: files as Readonly<Record<string, number>>, directories: dirs as string[] };
  }

  /**
   * Returns the bytes of an artifact, bypassing the cache of the server; null if it does not exist. The request ends when the caller
   * stops reading.
   */
  async readArtifact(
    ref: RunRef,
    path: string,
    options: CallOptions = {},
  ): Promise<AsyncIterable<Uint8Array> | null> {
    checkOptions('readArtifact', options, CALL_OPTIONS);
    const query = { path, stream: 'true', force: 'true' };
    return this.#read(ref, 'artifact', query, options);
  }

  /** Returns a `.tar.gz` archive of all artifacts of the run; null if there are none. It may contain files that were removed from the run. */
  async readArchive(ref: RunRef, options: CallOptions = {}): Promise<AsyncIterable<Uint8Array> | null> {
    checkOptions('readArchive', options, CALL_OPTIONS);
    return this.#read(ref, 'artifacts', { path: '' }, options);
  }

  async #read(
    ref: RunRef,
    route: 'artifact' | 'artifacts',
    query: { readonly path: string; readonly [name: string]: string },
    options: CallOptions,
  ): Promise<AsyncIterable<Uint8Array> | null> {
    const operation = `read ${ref.uuid}/${query.path}`;
    const call = this.#toStreamsCall('GET', ref, [route], operation, query, options);
    const response = await orNull('ERR_API_RUN_MISSING', () => this.#session.open(call));
    return response === null ? null : withCodedErrors(decodeBody(response), operation, options.signal);
  }

  /** Writes a file at `path` inside the run's artifacts, and replaces an existing file. For names, see multipart-body.ts. */
  async uploadArtifact(
    ref: RunRef,
    path: string,
    file: Uint8Array | StreamedBody,
    options: CallOptions = {},
  ): Promise<void> {
    checkOptions('uploadArtifact', options, CALL_OPTIONS);
    const operation = `write ${ref.uuid}/${path}`;
    const slash = path.lastIndexOf('/');
    const target = { directory: slash < 0 ? '' : path.slice(0, slash), name: path.slice(slash + 1) };
    await this.#upload(ref, 'artifact', operation, target, file, options);
  }

  /**
   * Extracts a `.tar.gz` archive into the directory `path` inside the run's artifacts. The server ignores the archive, without an error, if the
   * directory exists. It first keeps the archive as the file `name` of the run; if extracting fails, that file remains.
   */
  async uploadArchive(
    ref: RunRef,
    path: string,
    name: string,
    archive: Uint8Array,
    options: CallOptions = {},
  ): Promise<void> {
    checkOptions('uploadArchive', options, CALL_OPTIONS);
    const target = { directory: path, name, isArchive: true };
    await this.#upload(ref, 'artifacts', `extract into ${ref.uuid}/${path}`, target, archive, options);
  }

  async #upload(
    ref: RunRef,
    route: 'artifact' | 'artifacts',
    operation: string,
    place: Omit<UploadTarget, 'connection'>,
    file: Uint8Array | StreamedBody,
    options: CallOptions,
  ): Promise<void> {
    const target = { ...place, connection: this.connection.artifactsStore };
    const call = this.#toStreamsCall('POST', ref, [route], operation, {}, options);
    const context = { ...call, mask: (text: string) => text };
    try {
      await this.#session.call({ ...call, body: toMultipart(target, file) }, (response) =>
        expectEmpty(response, context),
      );
    } catch (error) {
      throw asUploadFailure(error);
    }
  }

  /** Removes an artifact. Returns false if the server cannot: the artifact does not exist, or another reason that the server does not give. */
  async deleteArtifact(ref: RunRef, path: string, options: CallOptions = {}): Promise<boolean> {
    checkOptions('deleteArtifact', options, CALL_OPTIONS);
    const operation = `remove ${ref.uuid}/${path}`;
    const call = this.#toStreamsCall('DELETE', ref, ['artifact'], operation, { path }, options);
    try {
      await this.#session.callJson(call);
      return true;
    } catch (error) {
      if (error instanceof PolyaxonApiError && error.httpStatus === 400) return false;
      throw error;
    }
  }

  /**
   * Sends a call that has no separate method, and returns the JSON of the answer; null if it is empty. `names` are the parts of the path, such as
   * `['default', 'demo', 'runs']`.
   */
  async request(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    names: readonly string[],
    options: RequestOptions = {},
  ): Promise<unknown> {
    checkOptions('request', options, REQUEST_OPTIONS);
    const { query, body, service } = options;
    const { apiVersion, namespace, artifactsStore } = this.connection;
    const operation = `${method} ${names.join('/')}`;
    const isRun = names[2] === 'runs' && names.length > 3;
    const missing = isRun ? 'ERR_API_RUN_MISSING' : 'ERR_API_INVALID';
    const call = this.#toCall(method, names, operation, missing, options);
    const json = body === undefined ? {} : toJsonBody(body);
    if (service !== 'streams') return this.#session.callJson({ ...call, ...json, query });
    const path = `/streams/${apiVersion}/${[namespace, ...names].map(encodeURIComponent).join('/')}`;
    const store = artifactsStore === null ? {} : { connection: artifactsStore };
    return this.#session.callJson({ ...call, ...json, path, query: { ...query, ...store } });
  }

  /** Aborts the requests in flight. */
  async close(): Promise<void> {
    await this.#session.close();
  }

  async #callObject(call: ApiCall): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#session.callJson(call);
    if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
      throw unexpected(call.operation);
    return answer as Readonly<Record<string, unknown>>;
  }

  async #callRun(call: ApiCall): Promise<PolyaxonRun> {
    const run = await this.#callObject(call);
    if (typeof run.uuid !== 'string') throw unexpected(call.operation);
    return { ...run, uuid: run.uuid };
  }

  #toCall(
    method: ApiCall['method'],
    names: readonly string[],
    operation: string,
    missing: ApiCall['missing'],
    { signal }: CallOptions,
  ): ApiCall {
    const path = `/api/${this.connection.apiVersion}/${names.map(encodeURIComponent).join('/')}`;
    return { method, path, operation, missing, signal };
  }

  #toRunCall(
    method: ApiCall['method'],
    { owner, project, uuid }: RunRef,
    names: readonly string[],
    operation: string,
    options: CallOptions,
  ): ApiCall {
    const all = [owner, project, 'runs', uuid, ...names];
    return this.#toCall(method, all, operation, 'ERR_API_RUN_MISSING', options);
  }

  #toStreamsCall(
    method: ApiCall['method'],
    { owner, project, uuid }: RunRef,
    names: readonly string[],
    operation: string,
    query: Readonly<Record<string, string>>,
    { signal }: CallOptions,
  ): ApiCall {
    const { apiVersion, namespace, artifactsStore } = this.connection;
    const parts = ['streams', apiVersion, namespace, owner, project, 'runs', uuid, ...names];
    const path = `/${parts.map(encodeURIComponent).join('/')}`;
    const store = method === 'POST' || artifactsStore === null ? {} : { connection: artifactsStore };
    return { method, path, query: { ...query, ...store }, operation, missing: 'ERR_API_RUN_MISSING', signal };
  }
}

function toJsonBody(value: unknown): Pick<ApiCall, 'body'> {
  const bytes = Buffer.from(JSON.stringify(value));
  return { body: { contentType: 'application/json', sizeBytes: bytes.length, open: () => bytes } };
}

/** Removes undefined and empty fields. */
function withoutEmpty(body: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(body).filter(([, value]) => value !== undefined && !isEmpty(value)),
  );
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

async function orNull<Value>(
  missing: PolyaxonApiError['code'],
  call: () => Promise<Value>,
): Promise<Value | null> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof PolyaxonApiError && error.code === missing) return null;
    throw error;
  }
}

function endless(operation: string, count: number): PolyaxonApiError {
  const message = `${operation}: the list does not end: after ${count} artifacts, the server repeats itself or still has more`;
  return new PolyaxonApiError('ERR_API_SERVER', message);
}

function unexpected(operation: string): PolyaxonApiError {
  const message = `${operation}: the answer is JSON, but not of the form that the API returns`;
  return new PolyaxonApiError('ERR_API_NOT_JSON', message, { failureCode: 'UnexpectedAnswer' });
}

/** Whether an error means that a path does not exist. Python reports `[Errno 2]`, below a file `[Errno 20]`; fsspec only the path. */
function isAboutAbsence(error: string, path: string): boolean {
  return (
    /\[Errno (2|20)\]|No such file|not found|does not exist|NoSuchKey/i.test(error) ||
    error.endsWith(path.replace(/\/$/, ''))
  );
}

/**
 * Converts the error of an upload. The streams service answers 400 with Python's message for all its failures. A full or broken disk
 * may be repaired, so the upload is retried without limit; other failures are retried a few times.
 */
function asUploadFailure(error: unknown): unknown {
  if (!(error instanceof PolyaxonApiError) || error.httpStatus !== 400) return error;
  if (!error.message.includes('upload was unsuccessful')) return error;
  if (/Errno (20|21|36)\b/.test(error.message)) return error; // the server cannot store this name
  const failureCode = /Errno (5|28|30|122)\b/.test(error.message) ? 'InternalError' : 'EBUSY';
  return new PolyaxonApiError('ERR_API_SERVER', error.message, { failureCode }, { cause: error });
}

async function* withCodedErrors(
  bytes: AsyncIterable<Uint8Array>,
  operation: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* bytes;
  } catch (error) {
    signal?.throwIfAborted();
    throw toUnreachable(operation, error);
  }
}
