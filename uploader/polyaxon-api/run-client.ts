/**
 * `RunClient`: the runs of a project on a Polyaxon server, with the methods of Python's `RunClient`.
 *
 * Bodies and answers have the API's names (`meta_info`), options have this package's. Like `PolyaxonClient`, it retries nothing; only a watch polls
 * again after an answer of 500, 502, 503 or 504.
 * Long because it is one class with about 70 short methods, so that it can be used like Python's.
 *
 * Source: polyaxon 2.16.4, `_client/run.py`. Routes: haupt 2.16.1, `common/apis/urls/`.
 */

import { describe } from '../../src/base/describe.js';
import { InvalidArgumentError } from '../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../src/base/options.js';
import type { JsonObject, V1RunArtifact } from '../../src/polyaxon/api-types.js';
import { toFallbackName, toReadableName } from '../../src/polyaxon/names.js';
import type { RunStatus } from '../../src/polyaxon/statuses.js';
import { PolyaxonApiError } from './api-error.js';
import { downloadFile, downloadTree, readBytes, toPath, uploadFile, uploadTree } from './artifact-files.js';
import type { CallOptions, PolyaxonClient, RequestOptions } from './client.js';
import { readOfflineRun, writeOfflineRun } from './offline-run.js';
import {
  CALL_OPTIONS,
  checkNumber,
  createCondition,
  type PageOptions,
  PROJECT_CLIENT_OPTIONS,
  ProjectCalls,
  type ProjectClientOptions,
} from './project-calls.js';
import { ProjectClient, type RegisterVersionBody, type RegisterVersionOptions } from './project-client.js';
import { type RunEvents, type RunMetricEvents, toMetricEvents, toRunEvents } from './run-events.js';
import type {
  ArtifactTree,
  CloneRunBody,
  CreateRunBody,
  PatchRunBody,
  PolyaxonProjectVersion,
  PolyaxonRun,
  RunEdge,
  RunLogLine,
  RunLogs,
  RunRef,
  RunStatuses,
  VersionKind,
} from './types.js';
import { watchLogs, watchStatuses } from './watch-run.js';

export interface RunClientOptions extends ProjectClientOptions {
  /** 32 hex digits, with or without dashes. Default: the run in `POLYAXON_RUN_INSTANCE`, or none until `create`. */
  readonly uuid?: string | undefined;
}
const RUN_CLIENT_OPTIONS: OptionTable<RunClientOptions> = { ...PROJECT_CLIENT_OPTIONS, uuid: 'string' };

export interface LogValuesOptions extends CallOptions {
  /** True: replaces the earlier values instead of merging with them. */
  readonly reset?: boolean | undefined;
}
const LOG_VALUES_OPTIONS: OptionTable<LogValuesOptions> = { ...CALL_OPTIONS, reset: 'boolean' };

export interface LogStatusOptions extends CallOptions {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** True: also changes the status of a run that has ended. */
  readonly force?: boolean | undefined;
}
const LOG_STATUS_OPTIONS: OptionTable<LogStatusOptions> = {
  ...CALL_OPTIONS,
  reason: 'string',
  message: 'string',
  force: 'boolean',
};

export interface WatchRunOptions extends CallOptions {
  /** The statuses to wait for. Default: any end status. */
  readonly statuses?: readonly RunStatus[] | undefined;
  /** Default 5,000, as in Python. */
  readonly intervalMs?: number | undefined;
}
const WATCH_OPTIONS: OptionTable<WatchRunOptions> = {
  ...CALL_OPTIONS,
  statuses: 'object',
  intervalMs: 'number',
};

export type WatchLogsOptions = Pick<WatchRunOptions, 'signal' | 'intervalMs'>;
const WATCH_LOGS_OPTIONS: OptionTable<WatchLogsOptions> = { ...CALL_OPTIONS, intervalMs: 'number' };

export interface GetLogsOptions extends CallOptions {
  /** `last_file` of the answer before, from a server that sends one file at a time: returns the lines of the next file. */
  readonly lastFile?: string | undefined;
  /** Returns the lines of the running pods since then; needs a server in a cluster. */
  readonly lastTime?: string | undefined;
}
const GET_LOGS_OPTIONS: OptionTable<GetLogsOptions> = {
  ...CALL_OPTIONS,
  lastFile: 'string',
  lastTime: 'string',
};

export interface GetEventsOptions extends CallOptions {
  /** Default: all events of the kind. */
  readonly names?: readonly string[] | undefined;
}
const GET_EVENTS_OPTIONS: OptionTable<GetEventsOptions> = { ...CALL_OPTIONS, names: 'object' };

export interface PushOfflineRunOptions extends CallOptions {
  /** False: sends only the record and the lineage. Default true. */
  readonly uploadArtifacts?: boolean | undefined;
}
const PUSH_OPTIONS: OptionTable<PushOfflineRunOptions> = { ...CALL_OPTIONS, uploadArtifacts: 'boolean' };

export interface PullRemoteRunOptions extends CallOptions {
  /** False: writes only the record and the lineage. Default true. */
  readonly downloadArtifacts?: boolean | undefined;
}
const PULL_OPTIONS: OptionTable<PullRemoteRunOptions> = { ...CALL_OPTIONS, downloadArtifacts: 'boolean' };

/** The names of one request, so that its URL stays short. */
const NAMES_PER_REQUEST = 50;

export class RunClient {
  readonly #calls: ProjectCalls;
  #uuid: string | null;
  #runData: PolyaxonRun | null = null;

  /** Sends nothing. Close the client when it is no longer needed, unless you passed an API client. */
  constructor(options: RunClientOptions = {}) {
    checkOptions('new RunClient', options, RUN_CLIENT_OPTIONS);
    this.#calls = new ProjectCalls('new RunClient', options);
    const [, project, , own = ''] = (process.env.POLYAXON_RUN_INSTANCE ?? '').split('.');
    const given = options.uuid ?? (project === this.#calls.project ? own : '');
    this.#uuid = given === '' ? null : given.replaceAll('-', '').toLowerCase();
    if (this.#uuid !== null && !/^[0-9a-f]{32}$/.test(this.#uuid))
      throw new InvalidArgumentError(
        'ERR_OPTION_INVALID',
        `new RunClient: uuid is ${describe(given)}, expected 32 hex digits`,
        'Pass the uuid of a run, or omit it and call create.',
      );
  }

  get owner(): string {
    return this.#calls.owner;
  }

  get project(): string {
    return this.#calls.project;
  }

  /** Null until `create`, if none was given. */
  get uuid(): string | null {
    return this.#uuid;
  }

  /** The run as the server last returned it; null before. */
  get runData(): PolyaxonRun | null {
    return this.#runData;
  }

  /** The status that the server last returned; null before. */
  get status(): RunStatus | null {
    return this.#runData?.status ?? null;
  }

  /** The settings that the server last returned: namespace, agent, artifacts store; null before. */
  get settings(): JsonObject | null {
    return this.#runData?.settings ?? null;
  }

  // The run itself.

  /** Creates a run, which this client then refers to. Without `content`, an operation, your program manages the run. */
  async create(body: CreateRunBody = {}, options: CallOptions = {}): Promise<PolyaxonRun> {
    checkOptions('create', options, CALL_OPTIONS);
    const { content } = body;
    const all =
      content === undefined
        ? { ...body, managed_by: 'user', is_managed: false }
        : { ...body, content: typeof content === 'string' ? content : JSON.stringify(content) };
    const run = parseRun(await this.#calls.send('POST', ['runs'], { ...options, body: all }));
    this.#uuid = run.uuid;
    this.#runData = { status: 'created', ...run };
    return this.#runData;
  }

  /** Fetches the run. Throws `ERR_API_RUN_MISSING` if it does not exist. */
  async refreshData(options: CallOptions = {}): Promise<PolyaxonRun> {
    checkOptions('refreshData', options, CALL_OPTIONS);
    this.#runData = parseRun(await this.#send('GET', [], options));
    return this.#runData;
  }

  async getInputs(options: CallOptions = {}): Promise<JsonObject> {
    checkOptions('getInputs', options, CALL_OPTIONS);
    return (await this.refreshData(options)).inputs ?? {};
  }

  async getOutputs(options: CallOptions = {}): Promise<JsonObject> {
    checkOptions('getOutputs', options, CALL_OPTIONS);
    return (await this.refreshData(options)).outputs ?? {};
  }

  async getNamespace(options: CallOptions = {}): Promise<string> {
    checkOptions('getNamespace', options, CALL_OPTIONS);
    return String(toObject(await this.#send('GET', ['namespace'], options)).namespace);
  }

  /** Changes fields of the run. An empty map or list clears a field. */
  async update(body: PatchRunBody, options: CallOptions = {}): Promise<PolyaxonRun> {
    checkOptions('update', options, CALL_OPTIONS);
    this.#runData = parseRun(await this.#send('PATCH', [], { ...options, body }));
    return this.#runData;
  }

  setName(name: string, options: CallOptions = {}): Promise<PolyaxonRun> {
    return this.#patch('setName', { name }, options);
  }

  setDescription(description: string, options: CallOptions = {}): Promise<PolyaxonRun> {
    return this.#patch('setDescription', { description }, options);
  }

  /** `readme` is Markdown. */
  setReadme(readme: string, options: CallOptions = {}): Promise<PolyaxonRun> {
    return this.#patch('setReadme', { readme }, options);
  }

  logInputs(inputs: JsonObject, options: LogValuesOptions = {}): Promise<PolyaxonRun> {
    return this.#logValues('logInputs', { inputs: withNames(inputs) }, options);
  }

  logOutputs(outputs: JsonObject, options: LogValuesOptions = {}): Promise<PolyaxonRun> {
    return this.#logValues('logOutputs', { outputs: withNames(outputs) }, options);
  }

  logMeta(meta: JsonObject, options: LogValuesOptions = {}): Promise<PolyaxonRun> {
    return this.#logValues('logMeta', { meta_info: withNames(meta) }, options);
  }

  logTags(tags: string | readonly string[], options: LogValuesOptions = {}): Promise<PolyaxonRun> {
    const list = typeof tags === 'string' ? tags.split(',').map((tag) => tag.trim()) : tags;
    return this.#logValues('logTags', { tags: list }, options);
  }

  /** `progress` is from 0 to 1. */
  logProgress(progress: number, options: CallOptions = {}): Promise<PolyaxonRun> {
    return this.#patch('logProgress', { meta_info: { progress }, merge: true }, options);
  }

  async delete(options: CallOptions = {}): Promise<void> {
    checkOptions('delete', options, CALL_OPTIONS);
    await this.#send('DELETE', [], options);
  }

  /** Moves the run to another project of the same owner. */
  async transfer(toProject: string, options: CallOptions = {}): Promise<void> {
    await this.#post('transfer', options, { project: toProject });
    this.#calls.project = toProject;
  }

  async stop(options: CallOptions = {}): Promise<void> {
    await this.#post('stop', options);
  }

  async skip(options: CallOptions = {}): Promise<void> {
    await this.#post('skip', options);
  }

  /** Approves a run that waits for an approval or an upload. */
  async approve(options: CallOptions = {}): Promise<void> {
    await this.#post('approve', options);
  }

  /** The cache of Polyaxon no longer uses the run. */
  async invalidate(options: CallOptions = {}): Promise<void> {
    await this.#post('invalidate', options);
  }

  async archive(options: CallOptions = {}): Promise<void> {
    await this.#post('archive', options);
  }

  async restore(options: CallOptions = {}): Promise<void> {
    await this.#post('restore', options);
  }

  async bookmark(options: CallOptions = {}): Promise<void> {
    await this.#post('bookmark', options);
  }

  async unbookmark(options: CallOptions = {}): Promise<void> {
    checkOptions('unbookmark', options, CALL_OPTIONS);
    await this.#send('DELETE', ['unbookmark'], options);
  }

  /** Starts a new run with the content of this one, changed by `body`, and returns the new run. */
  async restart(body: CloneRunBody = {}, options: CallOptions = {}): Promise<PolyaxonRun> {
    return parseRun(await this.#post('restart', options, toCloneBody(body)));
  }

  /** Like `restart`, with copies of this run's artifacts: all, or those below the given paths. */
  async copy(
    body: CloneRunBody & { readonly dirs?: readonly string[]; readonly files?: readonly string[] } = {},
    options: CallOptions = {},
  ): Promise<PolyaxonRun> {
    const { dirs, files, ...rest } = body;
    const uuid = this.#requireUuid();
    const below = (paths: readonly string[] | undefined) => paths?.map((path) => `${uuid}/${path}`);
    const isPart = dirs !== undefined || files !== undefined;
    const copied = isPart ? { copy_artifacts: { dirs: below(dirs), files: below(files) } } : {};
    const all = { ...rest, meta_info: { ...rest.meta_info, ...copied } };
    return parseRun(await this.#post('copy', options, toCloneBody(all)));
  }

  /** Continues this run, which must have ended, with its content changed by `body`. */
  async resume(body: CloneRunBody = {}, options: CallOptions = {}): Promise<PolyaxonRun> {
    this.#runData = parseRun(await this.#post('resume', options, toCloneBody(body)));
    return this.#runData;
  }

  // Other runs of the project.

  /** Lists the runs of the project, page by page. */
  list(options: PageOptions = {}): AsyncGenerator<PolyaxonRun> {
    return this.#calls.list('list', [this.project, 'runs'], options);
  }

  /** Lists the runs whose pipeline is this run. */
  listChildren(options: PageOptions = {}): AsyncGenerator<PolyaxonRun> {
    const filter = `pipeline:${this.#requireUuid()}`;
    return this.#calls.list('listChildren', [this.project, 'runs'], options, filter);
  }

  /** Returns inputs and outputs of the runs of the project in one object each. */
  async getRunsIo(
    options: PageOptions = {},
  ): Promise<{ readonly uid: string; readonly values: JsonObject }[]> {
    const found = [];
    for await (const { uuid, inputs, outputs } of this.#calls.list<PolyaxonRun>(
      'getRunsIo',
      [this.project, 'runs'],
      options,
    ))
      found.push({ uid: uuid, values: { ...inputs, ...outputs } });
    return found;
  }

  // Statuses and logs.

  async logStatus(status: RunStatus, given: LogStatusOptions = {}): Promise<void> {
    checkOptions('logStatus', given, LOG_STATUS_OPTIONS);
    const { force, signal } = given;
    const condition = createCondition(status, given);
    await (await this.#calls.client()).postStatus(this.#ref(), condition, { force, signal });
  }

  /** Sets the status to `running`. */
  async start(options: CallOptions = {}): Promise<void> {
    checkOptions('start', options, CALL_OPTIONS);
    await this.logStatus('running', { message: 'Operation is running', ...options });
  }

  async logSucceeded(options: LogStatusOptions = {}): Promise<void> {
    checkOptions('logSucceeded', options, LOG_STATUS_OPTIONS);
    await this.logStatus('succeeded', { message: 'Operation has succeeded', ...options });
  }

  async logStopped(options: LogStatusOptions = {}): Promise<void> {
    checkOptions('logStopped', options, LOG_STATUS_OPTIONS);
    await this.logStatus('stopped', { message: 'Operation is stopped', ...options });
  }

  async logFailed(options: LogStatusOptions = {}): Promise<void> {
    checkOptions('logFailed', options, LOG_STATUS_OPTIONS);
    await this.logStatus('failed', options);
  }

  async getStatuses(options: CallOptions = {}): Promise<RunStatuses> {
    checkOptions('getStatuses', options, CALL_OPTIONS);
    const statuses = await (await this.#calls.client()).getStatuses(this.#ref(), options);
    if (this.#runData !== null) this.#runData = { ...this.#runData, status: statuses.status };
    return statuses;
  }

  /** Resolves to the status when it is one of `statuses`, or an end status by default. */
  async waitForCondition(options: WatchRunOptions = {}): Promise<RunStatus | null> {
    let status: RunStatus | null = null;
    for await (const found of this.watchStatuses(options)) status = found.status;
    return status;
  }

  /** Yields the status and its new conditions whenever a poll finds some, up to one of `statuses`, or to an end status by default. */
  watchStatuses(options: WatchRunOptions = {}): AsyncGenerator<RunStatuses> {
    checkOptions('watchStatuses', options, WATCH_OPTIONS);
    checkNumber('watchStatuses', 'intervalMs', options.intervalMs, 1);
    return watchStatuses({ ...options, getStatuses: () => this.getStatuses({ signal: options.signal }) });
  }

  /** Returns the log lines of the run by time. A server that sends one file at a time names it in `last_file`. */
  async getLogs(options: GetLogsOptions = {}): Promise<RunLogs> {
    checkOptions('getLogs', options, GET_LOGS_OPTIONS);
    const { lastFile, lastTime, signal } = options;
    const kind = this.#runData?.kind ?? undefined;
    const query = { force: 'true', last_file: lastFile, last_time: lastTime, kind };
    return toObject(await this.#stream(['logs'], { query, signal })) as unknown as RunLogs;
  }

  /** Yields the log lines of the run, first those that exist, then new ones until the run has ended. */
  watchLogs(options: WatchLogsOptions = {}): AsyncGenerator<RunLogLine> {
    checkOptions('watchLogs', options, WATCH_LOGS_OPTIONS);
    checkNumber('watchLogs', 'intervalMs', options.intervalMs, 1);
    return this.#watchLogs(options);
  }

  // Events.

  /** Returns the metrics of the run in columns. */
  async getMetrics(options: GetEventsOptions = {}): Promise<RunMetricEvents[]> {
    checkOptions('getMetrics', options, GET_EVENTS_OPTIONS);
    return (await this.getEvents('metric', options)).map(toMetricEvents);
  }

  /** Returns the events of a kind, such as `image` or `text`, in columns. The server is asked to bypass its cache. */
  async getEvents(kind: string, options: GetEventsOptions = {}): Promise<RunEvents[]> {
    checkOptions('getEvents', options, GET_EVENTS_OPTIONS);
    const { signal } = options;
    const names = options.names ?? (await this.#listEvents(kind, signal));
    const found: RunEvents[] = [];
    for (const some of inGroups(names)) {
      const query = { names: some.join(','), orient: 'dict', force: 'true' };
      const { data } = toObject(await this.#stream(['events', kind], { query, signal }));
      for (const events of toRunEvents(data)) found.push(events);
    }
    return found.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  }

  /** Returns the events of a kind of several runs of the project, by uuid. */
  async getMultiRunEvents(
    kind: string,
    uuids: readonly string[],
    names: readonly string[],
    options: CallOptions = {},
  ): Promise<ReadonlyMap<string, RunEvents[]>> {
    checkOptions('getMultiRunEvents', options, CALL_OPTIONS);
    const found = new Map<string, RunEvents[]>(uuids.map((uuid) => [uuid, []]));
    for (const some of inGroups(names)) {
      const query = { runs: uuids.join(','), names: some.join(','), orient: 'dict', force: 'true' };
      const path = ['runs', 'multi', 'events', kind];
      const { data } = toObject(
        await this.#calls.send('GET', path, { ...options, query, service: 'streams' }),
      );
      for (const [uuid, events] of Object.entries(toObject(data)))
        for (const each of toRunEvents(events)) found.get(uuid)?.push(each);
    }
    return found;
  }

  // Lineage.

  /** Lists the artifacts in the lineage of the run, page by page. */
  getArtifactsLineage(options: PageOptions = {}): AsyncGenerator<V1RunArtifact> {
    const path = [this.project, 'runs', this.#requireUuid(), 'lineage', 'artifacts'];
    return this.#calls.list('getArtifactsLineage', path, options);
  }

  /** Lists the artifacts in the lineage of all runs of the project, page by page. */
  getRunsArtifactsLineage(options: PageOptions = {}): AsyncGenerator<V1RunArtifact> {
    const path = [this.project, 'runs', 'lineage', 'artifacts'];
    return this.#calls.list('getRunsArtifactsLineage', path, options);
  }

  /** Adds artifacts to the lineage, or changes those with the same name and state. */
  async logArtifactLineage(
    artifacts: V1RunArtifact | readonly V1RunArtifact[],
    options: CallOptions = {},
  ): Promise<void> {
    checkOptions('logArtifactLineage', options, CALL_OPTIONS);
    const list = Array.isArray(artifacts) ? artifacts : [artifacts];
    await (await this.#calls.client()).postLineage(this.#ref(), list, options);
  }

  /** Sets which runs are before and after this run. */
  async setRunEdgesLineage(edges: readonly RunEdge[], options: CallOptions = {}): Promise<void> {
    checkOptions('setRunEdgesLineage', options, CALL_OPTIONS);
    // Python's client names the other run `uuid`; haupt 2.16.1 reads `run`.
    const body = { edges: edges.map((edge) => ({ ...edge, run: edge.uuid })) };
    await this.#send('POST', ['lineage', 'edges'], { ...options, body });
  }

  // Artifacts: files of the run.

  /** Lists a directory of the run; null if it does not exist. */
  async getArtifactsTree(path = '', options: CallOptions = {}): Promise<ArtifactTree | null> {
    checkOptions('getArtifactsTree', options, CALL_OPTIONS);
    return (await this.#calls.client()).getTree(this.#ref(), path, options);
  }

  /** Returns the bytes of a file; null if it does not exist. */
  async getArtifact(path: string, options: CallOptions = {}): Promise<Uint8Array | null> {
    checkOptions('getArtifact', options, CALL_OPTIONS);
    return readBytes(path, await this.#transfer(options));
  }

  /** Downloads a file to the local path `target`. Returns false if it does not exist. */
  async downloadArtifact(path: string, target: string, options: CallOptions = {}): Promise<boolean> {
    checkOptions('downloadArtifact', options, CALL_OPTIONS);
    return downloadFile(path, target, await this.#transfer(options));
  }

  /** Downloads the files of a directory into the local directory `target`. Returns their paths; null if the directory does not exist. */
  async downloadArtifacts(path: string, target: string, options: CallOptions = {}): Promise<string[] | null> {
    checkOptions('downloadArtifacts', options, CALL_OPTIONS);
    return downloadTree(path, target, await this.#transfer(options));
  }

  /** Downloads the file or directory of a lineage entry into the local directory `target`. Returns the paths; null if it does not exist. */
  async downloadArtifactForLineage(
    { path }: V1RunArtifact,
    target: string,
    options: CallOptions = {},
  ): Promise<string[] | null> {
    checkOptions('downloadArtifactForLineage', options, CALL_OPTIONS);
    const own = (path ?? '').replace(new RegExp(`^${this.#requireUuid()}/`), '').replace(/\/$/, '');
    return own === '' ? null : downloadTree(own, target, await this.#transfer(options));
  }

  /** Uploads a local file as `path`, by default its own name. Replaces an existing file. */
  async uploadArtifact(localPath: string, path?: string, options: CallOptions = {}): Promise<void> {
    checkOptions('uploadArtifact', options, CALL_OPTIONS);
    await uploadFile(localPath, path ?? baseName(localPath), await this.#transfer(options));
  }

  /** Uploads local files into the directory `path`. Replaces existing files. */
  async uploadArtifacts(localPaths: readonly string[], path = '', options: CallOptions = {}): Promise<void> {
    checkOptions('uploadArtifacts', options, CALL_OPTIONS);
    const transfer = await this.#transfer(options);
    for (const localPath of localPaths)
      await uploadFile(localPath, toPath(path, baseName(localPath)), transfer);
  }

  /** Uploads the files of a local directory, except links, into the directory `path`; other files there stay. Returns their paths. */
  async uploadArtifactsDir(localPath: string, path = '', options: CallOptions = {}): Promise<string[]> {
    checkOptions('uploadArtifactsDir', options, CALL_OPTIONS);
    return uploadTree(localPath, path, await this.#transfer(options));
  }

  /** Deletes a file. Returns false if the server cannot, for example because it does not exist. */
  async deleteArtifact(path: string, options: CallOptions = {}): Promise<boolean> {
    checkOptions('deleteArtifact', options, CALL_OPTIONS);
    return (await this.#calls.client()).deleteArtifact(this.#ref(), path, options);
  }

  /** Deletes a directory with its files. Returns false if the server cannot, for example because it does not exist. */
  async deleteArtifacts(path: string, options: CallOptions = {}): Promise<boolean> {
    checkOptions('deleteArtifacts', options, CALL_OPTIONS);
    if (typeof path !== 'string' || /^[./]*$/.test(path))
      throw new InvalidArgumentError(
        'ERR_ARTIFACT_INVALID',
        `deleteArtifacts: path is ${describe(path)}, expected a directory of the run`,
        'Pass the path of a directory, such as outputs/checkpoints.',
      );
    try {
      await this.#stream(['artifacts'], { ...options, query: { path } }, 'DELETE');
      return true;
    } catch (error) {
      if (error instanceof PolyaxonApiError && error.httpStatus === 400) return false;
      throw error;
    }
  }

  // Versions, and runs on local disk.

  /** Registers a version of a model for this run. The open server rejects the call. */
  promoteToModelVersion(
    version: string,
    body: RegisterVersionBody = {},
    options: RegisterVersionOptions = {},
  ): Promise<PolyaxonProjectVersion> {
    return this.#promote('model', version, body, options);
  }

  /** Registers a version of an artifact for this run. The open server rejects the call. */
  promoteToArtifactVersion(
    version: string,
    body: RegisterVersionBody = {},
    options: RegisterVersionOptions = {},
  ): Promise<PolyaxonProjectVersion> {
    return this.#promote('artifact', version, body, options);
  }

  /**
   * Creates the run of a run directory on the server, with its lineage and files, and then refers to it. Throws `ERR_API_INVALID` if the run exists.
   * To keep a server up to date with runs that are written, use `polytrack sync`.
   */
  async pushOfflineRun(path: string, given: PushOfflineRunOptions = {}): Promise<PolyaxonRun> {
    checkOptions('pushOfflineRun', given, PUSH_OPTIONS);
    const { uploadArtifacts = true, ...options } = given;
    const { run, lineage } = await readOfflineRun(path);
    const client = await this.#calls.client();
    const ref = { owner: this.owner, project: this.project, uuid: run.uuid };
    this.#runData = await client.syncRun(ref, run, options);
    this.#uuid = run.uuid;
    await client.postLineage(ref, lineage, options);
    if (uploadArtifacts) await uploadTree(path, '', await this.#transfer(options));
    return this.#runData;
  }

  /** Writes the run as a run directory: its files, then its lineage and record. Existing files with the same names are replaced. */
  async pullRemoteRun(path: string, given: PullRemoteRunOptions = {}): Promise<void> {
    checkOptions('pullRemoteRun', given, PULL_OPTIONS);
    const { downloadArtifacts = true, ...options } = given;
    const run = await this.refreshData(options);
    const { conditions } = await this.getStatuses(options);
    const client = await this.#calls.client();
    const lineage = await client.getLineage(this.#ref(), options);
    if (downloadArtifacts) await downloadTree('', path, await this.#transfer(options));
    await writeOfflineRun(path, { ...run, status_conditions: conditions }, lineage);
  }

  /** Aborts the requests in flight, unless you passed the API client. */
  close(): Promise<void> {
    return this.#calls.close();
  }

  // Helpers.

  #requireUuid(): string {
    if (this.#uuid !== null) return this.#uuid;
    throw new InvalidArgumentError(
      'ERR_OPTION_INVALID',
      'RunClient: no run has been created, and new RunClient got no uuid',
      'Pass uuid to new RunClient, or call create first.',
    );
  }

  #ref(): RunRef {
    return { owner: this.owner, project: this.project, uuid: this.#requireUuid() };
  }

  async #transfer({ signal }: CallOptions): Promise<CallOptions & { client: PolyaxonClient; ref: RunRef }> {
    return { client: await this.#calls.client(), ref: this.#ref(), signal };
  }

  async #promote(
    kind: VersionKind,
    version: string,
    body: RegisterVersionBody,
    options: RegisterVersionOptions,
  ) {
    const client = await this.#calls.client();
    const project = new ProjectClient({ owner: this.owner, project: this.project, client });
    return project.registerVersion(kind, version, { ...body, run: this.#requireUuid() }, options);
  }

  async #send(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    names: readonly string[],
    options: RequestOptions,
  ): Promise<unknown> {
    return this.#calls.send(method, ['runs', this.#requireUuid(), ...names], options);
  }

  #stream(names: readonly string[], options: RequestOptions, method: 'GET' | 'DELETE' = 'GET') {
    return this.#send(method, names, { ...options, service: 'streams' });
  }

  async #post(verb: string, options: CallOptions, body: object = {}): Promise<unknown> {
    checkOptions(verb, options, CALL_OPTIONS);
    return this.#send('POST', [verb], { ...options, body });
  }

  async #patch(subject: string, body: PatchRunBody, options: CallOptions): Promise<PolyaxonRun> {
    checkOptions(subject, options, CALL_OPTIONS);
    return this.update(body, options);
  }

  async #logValues(subject: string, body: PatchRunBody, given: LogValuesOptions): Promise<PolyaxonRun> {
    checkOptions(subject, given, LOG_VALUES_OPTIONS);
    const { reset = false, signal } = given;
    if (reset) return this.update(body, { signal });
    // The server would clear the field for an empty value, even with `merge`.
    if (Object.values(body).every((values) => Object.keys(values).length === 0))
      return this.#runData ?? this.refreshData({ signal });
    return this.update({ ...body, merge: true }, { signal });
  }

  async *#watchLogs(options: WatchLogsOptions): AsyncGenerator<RunLogLine> {
    const { signal } = options;
    const { is_managed: isManaged } = await this.refreshData({ signal });
    yield* watchLogs({
      ...options,
      isManaged: isManaged === true,
      getStatuses: () => this.getStatuses({ signal }),
      getLogs: (from) => this.getLogs({ ...from, signal }),
    });
  }

  async #listEvents(kind: string, signal: AbortSignal | undefined): Promise<string[]> {
    const tree = await this.getArtifactsTree(`events/${kind}`, { signal });
    const files = Object.keys(tree?.files ?? {}).filter((name) => name.endsWith('.plx'));
    return files.map((name) => name.slice(0, -'.plx'.length)).sort();
  }
}

function toObject(answer: unknown): Readonly<Record<string, unknown>> {
  return typeof answer === 'object' && answer !== null ? (answer as Readonly<Record<string, unknown>>) : {};
}

function parseRun(answer: unknown): PolyaxonRun {
  const { uuid } = toObject(answer);
  if (typeof uuid === 'string') return answer as PolyaxonRun;
  throw new PolyaxonApiError('ERR_API_NOT_JSON', 'the answer is JSON, but not a run');
}

function toCloneBody({ content, recompile, meta_info, ...body }: CloneRunBody): object {
  const meta = { ...meta_info, ...(recompile === true ? { recompile } : {}) };
  return {
    ...body,
    ...(content === undefined
      ? {}
      : { content: typeof content === 'string' ? content : JSON.stringify(content) }),
    ...(Object.keys(meta).length === 0 ? {} : { meta_info: meta }),
  };
}

function withNames(values: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [toReadableName(name) || toFallbackName(name), value]),
  );
}

function baseName(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}

function inGroups(names: readonly string[]): string[][] {
  const groups: string[][] = [];
  for (let at = 0; at < names.length; at += NAMES_PER_REQUEST)
    groups.push(names.slice(at, at + NAMES_PER_REQUEST));
  return groups;
}
