/**
 * `ProjectClient`: a project on a Polyaxon server, its runs in bulk, and its versions of components, models and artifacts, with the methods of
 * Python's `ProjectClient`.
 *
 * The open server (haupt 2.16.1) lists and gets versions, but rejects every new version with 405. The client retries nothing.
 *
 * Source: polyaxon 2.16.4, `_client/project.py`, `_sdk/api/projects_v1_api.py`.
 */

import { InvalidArgumentError } from '../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../src/base/options.js';
import type { JsonObject } from '../../src/polyaxon/api-types.js';
import { PolyaxonApiError } from './api-error.js';
import type { CallOptions, RequestOptions } from './client.js';
import {
  CALL_OPTIONS,
  createCondition,
  type PageOptions,
  PROJECT_CLIENT_OPTIONS,
  ProjectCalls,
  type ProjectClientOptions,
} from './project-calls.js';
import type {
  PolyaxonProject,
  PolyaxonProjectVersion,
  PolyaxonRun,
  StageCondition,
  VersionKind,
  VersionStage,
} from './types.js';

export interface ProjectBody {
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  readonly readme?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly is_public?: boolean | undefined;
}

export interface RegisterVersionBody {
  readonly description?: string | undefined;
  readonly readme?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Metadata; of a component, its specification. An object is sent as JSON. */
  readonly content?: string | JsonObject | undefined;
  /** The uuid of the run that has made it. */
  readonly run?: string | undefined;
  readonly connection?: string | undefined;
  /** The names of artifacts in the lineage of the run. */
  readonly artifacts?: readonly string[] | undefined;
  readonly stage?: VersionStage | undefined;
}

export interface RegisterVersionOptions extends CallOptions {
  /** True: changes the version if it exists. Default: an existing version is rejected. */
  readonly force?: boolean | undefined;
}
const REGISTER_OPTIONS: OptionTable<RegisterVersionOptions> = { ...CALL_OPTIONS, force: 'boolean' };

export interface CopyVersionOptions extends RegisterVersionOptions {
  /** Default: the same project. */
  readonly toProject?: string | undefined;
  /** Default: the name of the version, with `-copy`. */
  readonly name?: string | undefined;
}
const COPY_OPTIONS: OptionTable<CopyVersionOptions> = {
  ...REGISTER_OPTIONS,
  toProject: 'string',
  name: 'string',
};

export interface StageVersionOptions extends CallOptions {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}
const STAGE_OPTIONS: OptionTable<StageVersionOptions> = {
  ...CALL_OPTIONS,
  reason: 'string',
  message: 'string',
};

export class ProjectClient {
  readonly #calls: ProjectCalls;
  #projectData: PolyaxonProject | null = null;

  /** Sends nothing. Close the client when it is no longer needed, unless you passed an API client. */
  constructor(options: ProjectClientOptions = {}) {
    checkOptions('new ProjectClient', options, PROJECT_CLIENT_OPTIONS);
    this.#calls = new ProjectCalls('new ProjectClient', options);
  }

  get owner(): string {
    return this.#calls.owner;
  }

  get project(): string {
    return this.#calls.project;
  }

  /** The project as the server last returned it; null before. */
  get projectData(): PolyaxonProject | null {
    return this.#projectData;
  }

  // The project.

  /** Fetches the project. Throws if it does not exist. */
  async refreshData(options: CallOptions = {}): Promise<PolyaxonProject> {
    return this.#keep(await this.#send('refreshData', 'GET', [], options));
  }

  /** Throws `ERR_API_INVALID` if the project exists. */
  async create(body: ProjectBody = {}, options: CallOptions = {}): Promise<PolyaxonProject> {
    checkOptions('create', options, CALL_OPTIONS);
    const { owner, project } = this.#calls;
    const client = await this.#calls.client();
    const all = { name: project, ...body };
    return this.#keep(await client.request('POST', [owner, 'projects', 'create'], { ...options, body: all }));
  }

  async getOrCreate(options: CallOptions = {}): Promise<PolyaxonProject> {
    checkOptions('getOrCreate', options, CALL_OPTIONS);
    const found = await (await this.#calls.client()).findProject(this.owner, this.project, options);
    return found === null ? this.create({}, options) : this.#keep(found);
  }

  /** Changes fields of the project. */
  async update(body: ProjectBody, options: CallOptions = {}): Promise<PolyaxonProject> {
    const found = this.#keep(await this.#send('update', 'PATCH', [], options, body));
    this.#calls.project = found.name ?? this.project;
    return found;
  }

  async delete(options: CallOptions = {}): Promise<void> {
    await this.#send('delete', 'DELETE', [], options);
  }

  /** Lists the projects of the owner, page by page. */
  list(options: PageOptions = {}): AsyncGenerator<PolyaxonProject> {
    return this.#calls.list('list', ['projects', 'list'], options);
  }

  // Its runs.

  /** Lists the runs of the project, page by page. */
  listRuns(options: PageOptions = {}): AsyncGenerator<PolyaxonRun> {
    return this.#calls.list('listRuns', [this.project, 'runs'], options);
  }

  async transferRuns(uuids: readonly string[], toProject: string, options: CallOptions = {}): Promise<void> {
    await this.#send('transferRuns', 'POST', ['runs', 'transfer'], options, { uuids, project: toProject });
  }

  async approveRuns(uuids: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.#send('approveRuns', 'POST', ['runs', 'approve'], options, { uuids });
  }

  async archiveRuns(uuids: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.#send('archiveRuns', 'POST', ['runs', 'archive'], options, { uuids });
  }

  async restoreRuns(uuids: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.#send('restoreRuns', 'POST', ['runs', 'restore'], options, { uuids });
  }

  async deleteRuns(uuids: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.#send('deleteRuns', 'DELETE', ['runs', 'delete'], options, { uuids });
  }

  async stopRuns(uuids: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.#send('stopRuns', 'POST', ['runs', 'stop'], options, { uuids });
  }

  async skipRuns(uuids: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.#send('skipRuns', 'POST', ['runs', 'skip'], options, { uuids });
  }

  async invalidateRuns(uuids: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.#send('invalidateRuns', 'POST', ['runs', 'invalidate'], options, { uuids });
  }

  async bookmarkRuns(uuids: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.#send('bookmarkRuns', 'POST', ['runs', 'bookmark'], options, { uuids });
  }

  /** Adds tags to the runs. */
  async tagRuns(uuids: readonly string[], tags: readonly string[], options: CallOptions = {}): Promise<void> {
    await this.#send('tagRuns', 'POST', ['runs', 'tag'], options, { uuids, tags });
  }

  // Its versions of components, models and artifacts.

  /** Lists the versions of a kind, page by page. */
  listVersions(kind: VersionKind, options: PageOptions = {}): AsyncGenerator<PolyaxonProjectVersion> {
    return this.#calls.list('listVersions', [this.project, 'versions', kind], options);
  }

  /** Returns the version, or null if it does not exist. */
  async getVersion(
    kind: VersionKind,
    version: string,
    options: CallOptions = {},
  ): Promise<PolyaxonProjectVersion | null> {
    try {
      return toVersion(await this.#send('getVersion', 'GET', ['versions', kind, version], options));
    } catch (error) {
      if (error instanceof PolyaxonApiError && error.httpStatus === 404) return null;
      throw error;
    }
  }

  /** Creates a version. The open server rejects the call. */
  async createVersion(
    kind: VersionKind,
    body: RegisterVersionBody & { readonly name: string },
    options: CallOptions = {},
  ): Promise<PolyaxonProjectVersion> {
    const all = withText(body);
    return toVersion(await this.#send('createVersion', 'POST', ['versions', kind], options, all));
  }

  async patchVersion(
    kind: VersionKind,
    version: string,
    body: RegisterVersionBody,
    options: CallOptions = {},
  ): Promise<PolyaxonProjectVersion> {
    const path = ['versions', kind, version];
    return toVersion(await this.#send('patchVersion', 'PATCH', path, options, withText(body)));
  }

  /** Creates the version, or changes it with `force`. Throws `ERR_OPTION_INVALID` if it exists and `force` is not set. */
  async registerVersion(
    kind: VersionKind,
    version: string,
    body: RegisterVersionBody = {},
    given: RegisterVersionOptions = {},
  ): Promise<PolyaxonProjectVersion> {
    checkOptions('registerVersion', given, REGISTER_OPTIONS);
    const { force = false, ...options } = given;
    if ((await this.getVersion(kind, version, options)) === null)
      return this.createVersion(kind, { ...body, name: version }, options);
    if (force) return this.patchVersion(kind, version, body, options);
    throw new InvalidArgumentError(
      'ERR_OPTION_INVALID',
      `registerVersion: the ${kind} version ${version} exists`,
      'Choose another version, or pass force: true to change it.',
    );
  }

  /** Registers a version of a model. The open server rejects the call. */
  registerModelVersion(
    version: string,
    body: RegisterVersionBody = {},
    options: RegisterVersionOptions = {},
  ): Promise<PolyaxonProjectVersion> {
    return this.registerVersion('model', version, body, options);
  }

  /** Registers a version of an artifact. The open server rejects the call. */
  registerArtifactVersion(
    version: string,
    body: RegisterVersionBody = {},
    options: RegisterVersionOptions = {},
  ): Promise<PolyaxonProjectVersion> {
    return this.registerVersion('artifact', version, body, options);
  }

  async deleteVersion(kind: VersionKind, version: string, options: CallOptions = {}): Promise<void> {
    await this.#send('deleteVersion', 'DELETE', ['versions', kind, version], options);
  }

  async stageVersion(
    kind: VersionKind,
    version: string,
    stage: VersionStage,
    given: StageVersionOptions = {},
  ): Promise<void> {
    checkOptions('stageVersion', given, STAGE_OPTIONS);
    const condition = createCondition(stage, given);
    const path = ['versions', kind, version, 'stages'];
    await this.#send('stageVersion', 'POST', path, { signal: given.signal }, { condition });
  }

  /** Returns the stage of a version and its conditions, oldest first. */
  async getVersionStages(
    kind: VersionKind,
    version: string,
    options: CallOptions = {},
  ): Promise<{ readonly stage: VersionStage | null; readonly conditions: readonly StageCondition[] }> {
    const path = ['versions', kind, version, 'stages'];
    const { stage, stage_conditions: conditions } = toVersion(
      await this.#send('getVersionStages', 'GET', path, options),
    );
    return { stage: stage ?? null, conditions: Array.isArray(conditions) ? conditions : [] };
  }

  async transferVersion(
    kind: VersionKind,
    version: string,
    toProject: string,
    options: CallOptions = {},
  ): Promise<void> {
    const path = ['versions', kind, version, 'transfer'];
    await this.#send('transferVersion', 'POST', path, options, { project: toProject });
  }

  /** Registers a copy of a version. `body` replaces values of the original. */
  async copyVersion(
    kind: VersionKind,
    version: string,
    body: RegisterVersionBody = {},
    given: CopyVersionOptions = {},
  ): Promise<PolyaxonProjectVersion> {
    checkOptions('copyVersion', given, COPY_OPTIONS);
    const { toProject, name = `${version}-copy`, ...options } = given;
    const original = await this.#send('copyVersion', 'GET', ['versions', kind, version], {
      signal: options.signal,
    });
    const { description, tags, content, run, connection, artifacts } = toVersion(original);
    const kept = Object.entries({ description, tags, content, run, connection, artifacts });
    const all = { ...Object.fromEntries(kept.filter(([, value]) => value != null)), ...body };
    const client = await this.#calls.client();
    const project = toProject ?? this.project;
    return new ProjectClient({ owner: this.owner, project, client }).registerVersion(
      kind,
      name,
      all,
      options,
    );
  }

  /** Aborts the requests in flight, unless you passed the API client. */
  close(): Promise<void> {
    return this.#calls.close();
  }

  async #send(
    subject: string,
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    names: readonly string[],
    options: CallOptions,
    body?: RequestOptions['body'],
  ): Promise<unknown> {
    checkOptions(subject, options, CALL_OPTIONS);
    return this.#calls.send(method, names, { ...options, body });
  }

  #keep(answer: unknown): PolyaxonProject {
    this.#projectData = toVersion(answer) as PolyaxonProject;
    return this.#projectData;
  }
}

function withText({ content, ...body }: RegisterVersionBody): object {
  return {
    ...body,
    content: typeof content === 'object' && content !== null ? JSON.stringify(content) : content,
  };
}

function toVersion(answer: unknown): PolyaxonProjectVersion {
  return typeof answer === 'object' && answer !== null ? answer : {};
}
