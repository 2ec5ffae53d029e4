/**
 * A Polyaxon server: what haupt 2.16.1 does with the calls of the uploader, with its quirks. An existing uuid is answered with 400. A run that is
 * done keeps its status unless `force` is set, and the answer does not say so. An empty map clears a field. A locked database is an empty 405, and
 * a failed write of the lineage is a success. Sources: see uploader/polyaxon-api/ and uploader/polyaxon-sync/, beside what depends on them.
 */

import type { Hash } from 'node:crypto';
import type { V1Run, V1RunArtifact, V1StatusCondition } from '../../src/polyaxon/api-types.js';
import type { RunStatus } from '../../src/polyaxon/statuses.js';
import type { PolyaxonConnection } from '../../uploader/polyaxon-api/connection.js';
import { Credentials } from '../../uploader/polyaxon-api/credentials.js';
import type { SyncConfig } from '../../uploader/settings/sync-config.js';
import type { Process } from './machine.js';
import { type Answer, connect, type Received, type Server, Weather } from './network.js';
import { findSteps, hasDamage, toStep } from './places.js';
import type { Random } from './random.js';

export const HOST = 'http://polyaxon.sim';
export const PROJECT = 'default/demo';
/** A run of another client, of which nothing may change. */
const FOREIGN = 'f'.repeat(32);
const DONE: ReadonlySet<string> = new Set(['succeeded', 'failed', 'stopped', 'skipped', 'upstream_failed']);
const MAPS = ['inputs', 'outputs', 'meta_info'] as const;

export interface ServedRun {
  fields: { -readonly [Name in keyof V1Run]: V1Run[Name] };
  conditions: V1StatusCondition[];
  readonly lineage: Map<string, V1RunArtifact>;
}

const OK: Answer = { status: 200, body: {} };
const notFound = (what: string): Answer => ({
  status: 404,
  body: { detail: `No ${what} matches the given query.` },
});

export class PolyaxonServer implements Server {
  readonly weather = new Weather();
  readonly runs = new Map<string, ServedRun>();
  changes = 0;
  requests = 0;
  writes = 0;
  /** How many of the next writes of a lineage are answered with a success and not made. */
  lostLineages = 0;
  readonly #projects = new Set<string>();
  readonly #stopped = new Set<ServedRun>();
  readonly #foreignBefore: string;

  constructor(readonly nowMs: () => number) {
    this.#projects.add(PROJECT);
    const name = 'of another client';
    const artifact = { name: 'loss', kind: 'metric', path: 'events/metric/loss.plx', summary: {} };
    this.runs.set(FOREIGN, {
      fields: { uuid: FOREIGN, name, status: 'running', tags: ['other'], outputs: { loss: 1 } },
      conditions: [{ type: 'running', status: true }],
      lineage: new Map([['loss', artifact]]),
    });
    this.#foreignBefore = this.#describe(FOREIGN);
  }

  /** Describes what other clients have lost. */
  findViolations(): string[] {
    return this.#describe(FOREIGN) === this.#foreignBefore
      ? []
      : ['polyaxon: a run of another client changed'];
  }

  addTo(hash: Hash): void {
    for (const uuid of this.runs.keys()) hash.update(this.#describe(uuid));
  }

  /** Another client stops a run. */
  stop(uuid: string): void {
    const run = this.runs.get(uuid);
    if (run === undefined) return;
    this.#stopped.add(run);
    this.#addStatus(run, { type: 'stopped', status: true, reason: 'User' }, true);
  }

  /** Describes what the files of a run say, and the server does not. */
  findUntold(uuid: string, files: ReadonlyMap<string, string>, convertsEvents: boolean): string[] {
    const run = this.runs.get(uuid);
    const isStopped = run !== undefined && this.#stopped.has(run);
    return findUntold(convertsEvents ? findSteps(files) : new Set(), files, run, isStopped);
  }

  fail(random: Random): Answer | null {
    return random.pick([
      null,
      { status: 502 },
      { status: 405 },
      { status: 500, body: Buffer.from('<html>') },
    ]);
  }

  handle({ method, url, body }: Received): Answer {
    this.requests += 1;
    if (method !== 'GET') this.writes += 1;
    const [owner, project, route, uuid, ...rest] = url.pathname.replace('/api/v1/', '').split('/');
    const sent = body.length === 0 ? {} : (JSON.parse(body.toString()) as Record<string, unknown>);
    if (project === 'projects') return this.#createProject(`${owner}/${String(sent.name)}`);
    if (!this.#projects.has(`${owner}/${project}`))
      return notFound(route === 'runs' && uuid !== 'sync' ? 'Run' : 'Project');
    if (route === undefined) return { status: 200, body: { owner, name: project } };
    if (uuid === 'sync') return this.#create(sent as unknown as V1Run);
    const run = this.runs.get(uuid ?? '');
    if (run === undefined) return notFound('Run');
    switch (`${method} ${rest.join('/')}`) {
      case 'GET ':
        return { status: 200, body: run.fields };
      case 'PATCH ':
        return patch(run, sent);
      case 'GET statuses':
        return { status: 200, body: { status: run.fields.status, status_conditions: run.conditions } };
      case 'POST statuses':
        this.#addStatus(run, sent.condition as V1StatusCondition, sent.force === true);
        return OK;
      case 'GET lineage/artifacts':
        return this.#listLineage(run, url.searchParams);
      case 'POST lineage/artifacts':
        return this.#addLineage(run, sent.artifacts as V1RunArtifact[]);
      default:
        throw new Error(`the simulation does not know ${method} ${url.pathname}`);
    }
  }

  #createProject(name: string): Answer {
    if (this.#projects.has(name)) return { status: 400, body: { name: ['it already exists'] } };
    this.#projects.add(name);
    return OK;
  }

  #create({ status_conditions = [], status = 'created', ...fields }: V1Run): Answer {
    if (this.runs.has(fields.uuid)) return { status: 400, body: [`the run ${fields.uuid} already exists`] };
    const run: ServedRun = {
      fields: { ...fields, status },
      conditions: [...status_conditions],
      lineage: new Map(),
    };
    this.runs.set(fields.uuid, run);
    return { status: 201, body: run.fields };
  }

  #addStatus({ fields, conditions }: ServedRun, condition: V1StatusCondition, force: boolean): void {
    const isEnd = DONE.has(condition.type);
    if (DONE.has(fields.status ?? '') && !force) return;
    if (fields.status === 'stopping' && !isEnd && !force) return;
    if (conditions.at(-1)?.type === condition.type) conditions.pop();
    conditions.push(condition);
    fields.status = condition.type as RunStatus;
  }

  #listLineage({ lineage }: ServedRun, query: URLSearchParams): Answer {
    const offset = Number(query.get('offset') ?? 0);
    const all = [...lineage.values()];
    const results = all.slice(offset, offset + Number(query.get('limit') ?? 100));
    return { status: 200, body: { count: all.length, results } };
  }

  #addLineage({ lineage }: ServedRun, artifacts: readonly V1RunArtifact[]): Answer {
    if (this.lostLineages > 0) this.lostLineages -= 1;
    else
      for (const artifact of artifacts)
        lineage.set(`${artifact.is_input === true} ${artifact.name}`, artifact);
    return OK;
  }

  #describe(uuid: string): string {
    const { fields, conditions, lineage } = this.runs.get(uuid)!;
    return JSON.stringify([fields, conditions, [...lineage]]);
  }
}

/** How a process reports to the server. `onArtifact`: called with each artifact that it registers. */
export function toApiConfig(
  process: Process,
  server: PolyaxonServer,
  onArtifact: (uuid: string, path: string) => void,
): Pick<SyncConfig, 'api' | 'project'> {
  const credentials = new Credentials({
    ...{ fileSystem: process.io.fileSystem, type: 'Token', given: 'token', fromEnvironment: undefined },
    ...{ clusterPath: '/sim/none', userPath: null },
  });
  const connection: PolyaxonConnection = {
    ...{ host: HOST, apiVersion: 'v1', namespace: 'polyaxon', artifactsStore: null, credentials },
    ...{ serviceHeader: {}, tls: { isVerified: true, isHostnameVerified: true }, proxies: {} },
    silenceMs: 20_000,
  };
  const transport = connect(process, server, ({ method, url, body }) => {
    const [, uuid] = /\/runs\/([0-9a-f]+)\/lineage/.exec(url.pathname) ?? [];
    if (uuid === undefined || method !== 'POST') return;
    const { artifacts } = JSON.parse(body.toString()) as { artifacts: readonly V1RunArtifact[] };
    for (const { path } of artifacts) if (path != null) onArtifact(uuid, path);
  });
  const api = { connection: () => connection, transport, place: {}, createsProject: true };
  return { api, project: PROJECT };
}

function findUntold(
  steps: ReadonlySet<number>,
  files: ReadonlyMap<string, string>,
  run: ServedRun | undefined,
  isStopped: boolean,
): string[] {
  const record = parse(files.get('run.plx.json')) as V1Run | undefined;
  if (record === undefined) return [];
  const { uuid, status, outputs } = record;
  if (run === undefined) return [`polyaxon does not have the run ${uuid}`];
  const { fields, lineage, conditions } = run;
  const found: string[] = [];
  const isDone = DONE.has(status ?? '');
  // A failure of the power can undo a resume on disk that the server knows of. It may also know of one by another program, which keeps running.
  const isResumed = conditions.slice(0, -1).some(({ type }) => type === status);
  if (isDone && fields.status !== status && !isStopped && !isResumed)
    found.push(`polyaxon: the status of ${uuid} is ${fields.status}, not ${status}`);
  for (const [name, value] of Object.entries(outputs ?? {}))
    if (
      JSON.stringify(fields.outputs?.[name]) !== JSON.stringify(value) &&
      !(isReopened(record) && (hasDamage(files) || isCurrent(fields.outputs?.[name], steps)))
    )
      found.push(`polyaxon: the output ${name} of ${uuid} is ${fields.outputs?.[name]}, not ${value}`);
  const registered = new Set([...lineage.values()].map(({ kind, path }) => `${kind} ${path}`));
  for (const { kind, path } of (parse(files.get('lineages.plx.json')) as V1RunArtifact[] | undefined) ?? [])
    if (isDone && path != null && files.has(path) && !registered.has(`${kind} ${path}`))
      found.push(`polyaxon: the lineage of ${uuid} lacks ${kind} ${path}`);
  // polytrack's own writer has logged this metric. Until a run ends, nothing that the server has lost is sent again.
  if (isDone && steps.size > 0 && !registered.has('metric events/metric/loss.plx'))
    found.push(`polyaxon: the lineage of ${uuid} lacks the metric of its event files`);
  return found;
}

/** Whether the events of a resumed run have a value; null: a failure of the power has undone them. */
function isCurrent(value: unknown, steps: ReadonlySet<number>): boolean {
  return value === null ? steps.size === 0 : steps.has(toStep(value));
}

/** Whether a run was resumed after its end: its outputs may be from before, and the values in its event files are later. */
function isReopened({ status_conditions: conditions = [] }: V1Run): boolean {
  const types = conditions.map(({ type }) => DONE.has(type));
  return types.includes(true) && types.at(-1) === false;
}

/** Undefined for a file that is missing or damaged. */
function parse(text = ''): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function patch({ fields }: ServedRun, { merge, ...sent }: Record<string, unknown>): Answer {
  const isMerged = (value: unknown): boolean => merge === true && Object.keys(value ?? {}).length > 0;
  for (const [name, value] of Object.entries(sent)) {
    const before = Reflect.get(fields, name) as unknown;
    const isMap = (MAPS as readonly string[]).includes(name);
    if (isMap && isMerged(value)) Reflect.set(fields, name, { ...(before as object), ...(value as object) });
    else if (name === 'tags' && isMerged(value))
      Reflect.set(fields, name, [...new Set([...((before as string[]) ?? []), ...(value as string[])])]);
    else Reflect.set(fields, name, value);
  }
  return { status: 200, body: fields };
}
