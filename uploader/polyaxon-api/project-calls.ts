/** What `RunClient` and `ProjectClient` share: the project, the connection, and lists in pages. */

import { systemClock } from '../../src/base/clock.js';
import { describe } from '../../src/base/describe.js';
import { InvalidArgumentError } from '../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../src/base/options.js';
import { toIsoTime } from '../../src/polyaxon/run-record.js';
import { nodeFileSystem } from '../base/io/node-file-system.js';
import { PolyaxonApiError } from './api-error.js';
import { type CallOptions, PolyaxonClient, type RequestOptions } from './client.js';
import { findConnection } from './connection.js';

export interface ProjectClientOptions {
  /** Default: the owner in `POLYAXON_RUN_INSTANCE`, or `default`. */
  readonly owner?: string | undefined;
  /** Also `owner/project`. Default: the project in `POLYAXON_RUN_INSTANCE`. */
  readonly project?: string | undefined;
  /** The API client to use; the caller closes it. Default: a new one, with the connection that `findConnection` finds at the first call. */
  readonly client?: PolyaxonClient | undefined;
  /** The address of the server, for a new API client. */
  readonly host?: string | undefined;
  /** The token, for a new API client. */
  readonly token?: string | undefined;
}
export const PROJECT_CLIENT_OPTIONS: OptionTable<ProjectClientOptions> = {
  owner: 'string',
  project: 'string',
  client: 'object',
  host: 'string',
  token: 'string',
};

export interface PageOptions extends CallOptions {
  /** A filter in Polyaxon's query language, such as `status:succeeded, metrics.loss:<0.1`. */
  readonly query?: string | undefined;
  /** The fields to sort by, such as `-created_at`. */
  readonly sort?: string | undefined;
  /** The maximum number of results. Default: all. */
  readonly limit?: number | undefined;
  /** The number of results to skip. */
  readonly offset?: number | undefined;
}
export const CALL_OPTIONS: OptionTable<CallOptions> = { signal: 'object' };
export const LIST_OPTIONS: OptionTable<PageOptions> = {
  ...CALL_OPTIONS,
  query: 'string',
  sort: 'string',
  limit: 'number',
  offset: 'number',
};

const PAGE = 100;

/** Returns a condition of a status or a stage that begins now. */
export function createCondition<Type extends string>(type: Type, { reason, message }: ConditionText) {
  const time = toIsoTime(systemClock.wallTime());
  const times = { last_update_time: time, last_transition_time: time };
  return { type, status: true, reason: reason ?? 'Polytrack', message: message ?? null, ...times };
}

/** Throws `ERR_OPTION_INVALID` for a number that is not whole or is less than `min`. */
export function checkNumber(subject: string, name: string, value: number | undefined, min: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= min)) return;
  throw new InvalidArgumentError(
    'ERR_OPTION_INVALID',
    `${subject}: ${name} is ${describe(value)}, expected a whole number from ${min}`,
    `Omit ${name}, or pass a whole number from ${min}.`,
  );
}

interface ConditionText {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

export class ProjectCalls {
  readonly owner: string;
  project: string;
  readonly #options: ProjectClientOptions;
  #client: Promise<PolyaxonClient> | undefined;

  constructor(subject: string, options: ProjectClientOptions) {
    const [owner = '', project = ''] = (process.env.POLYAXON_RUN_INSTANCE ?? '').split('.');
    const names = (options.project ?? project).split('/');
    this.project = names.pop() ?? '';
    this.owner = options.owner ?? names[0] ?? (owner || 'default');
    if (this.project === '' || names.length > 1)
      throw new InvalidArgumentError(
        'ERR_OPTION_INVALID',
        `${subject}: project is ${describe(options.project)}, expected the name of a project`,
        'Pass project: "demo" or project: "owner/demo".',
      );
    this.#options = options;
  }

  client(): Promise<PolyaxonClient> {
    this.#client ??= this.#open();
    return this.#client;
  }

  async #open(): Promise<PolyaxonClient> {
    const { client, host, token } = this.#options;
    if (client !== undefined) return client;
    return new PolyaxonClient({
      connection: await findConnection({ host, token }, process.env, nodeFileSystem),
    });
  }

  /** Sends a request below the project. */
  async send(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    names: readonly string[],
    options: RequestOptions,
  ): Promise<unknown> {
    return (await this.client()).request(method, [this.owner, this.project, ...names], options);
  }

  /** Returns the results of all pages of a list. `names` are below the owner. */
  list<Item>(
    subject: string,
    names: readonly string[],
    options: PageOptions,
    filter?: string,
  ): AsyncGenerator<Item> {
    checkOptions(subject, options, LIST_OPTIONS);
    checkNumber(subject, 'limit', options.limit, 1);
    checkNumber(subject, 'offset', options.offset, 0);
    const query = [options.query, filter].filter(Boolean).join(',') || undefined;
    return this.#readPages(names, { ...options, query });
  }

  async *#readPages<Item>(names: readonly string[], options: PageOptions): AsyncGenerator<Item> {
    const { query, sort, limit = Number.POSITIVE_INFINITY, offset: start = 0, signal } = options;
    const client = await this.client();
    let before = '';
    for (let offset = start; offset < start + limit; ) {
      const size = Math.min(PAGE, start + limit - offset);
      const answer = await client.request('GET', [this.owner, ...names], {
        query: { query, sort, limit: String(size), offset: String(offset) },
        signal,
      });
      const { results, count } = (answer ?? {}) as { results?: Item[]; count?: number };
      const page = Array.isArray(results) ? results.slice(0, size) : [];
      const text = JSON.stringify(page);
      if (page.length === 0) return;
      if (text === before)
        throw new PolyaxonApiError(
          'ERR_API_SERVER',
          `list ${names.join('/')}: the server repeats a page after ${offset} results`,
        );
      yield* page;
      before = text;
      offset += page.length;
      if (typeof count === 'number' && offset >= count) return;
    }
  }

  async close(): Promise<void> {
    if (this.#options.client === undefined) await (await this.#client)?.close();
  }
}
