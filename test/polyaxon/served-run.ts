/** Reads the data of one run from a Polyaxon server or viewer, in the form that tests compare. */

import type { PolyaxonServer } from '../support/polyaxon.js';
import type { ExpectedRow } from './expected-events.js';

export interface ServedEvents {
  readonly name: string;
  readonly kind: string;
  readonly data: Record<string, (number | string | null)[]>;
}

interface Tree {
  readonly files: Record<string, number>;
  readonly dirs: string[];
}

export interface ServedRunPlace {
  readonly owner: string;
  readonly project: string;
  readonly uuid: string;
}

export class ServedRun {
  readonly api: string;
  readonly streams: string;
  readonly #server: PolyaxonServer;
  readonly #query: Record<string, string>;

  /** `force`: bypass the server's read cache, which never expires. */
  constructor(server: PolyaxonServer, { owner, project, uuid }: ServedRunPlace, options: { force: boolean }) {
    this.#server = server;
    this.api = `/api/v1/${owner}/${project}/runs/${uuid}`;
    this.streams = `/streams/v1/polyaxon/${owner}/${project}/runs/${uuid}`;
    this.#query = options.force ? { force: 'true' } : {};
  }

  async events(route: string, query: Record<string, string> = {}): Promise<ServedEvents[]> {
    const answer = await this.#server.get(`${this.streams}/${route}`, { ...this.#query, ...query });
    return (answer as { data: ServedEvents[] }).data;
  }

  async bytes(path: string): Promise<Buffer> {
    const query = { ...this.#query, path, stream: true };
    return Buffer.from(await this.#server.getBytes(`${this.streams}/artifact`, query));
  }

  async logs(): Promise<LogLine[]> {
    return ((await this.#server.get(`${this.streams}/logs`, this.#query)) as { logs: LogLine[] }).logs;
  }

  /** Returns the paths and sizes of all files below a directory of the run. */
  async files(path = ''): Promise<[path: string, sizeBytes: number][]> {
    const query = { ...this.#query, path };
    const { files, dirs } = (await this.#server.get(`${this.streams}/artifacts/tree`, query)) as Tree;
    const toPath = (name: string): string => (path === '' ? name : `${path}/${name}`);
    const below = await Promise.all(dirs.map((name) => this.files(toPath(name))));
    const here = Object.entries(files).map(([name, size]): [string, number] => [toPath(name), size]);
    return [...here, ...below.flat()];
  }
}

export interface LogLine {
  readonly value: string;
  readonly timestamp: string;
  readonly node: string;
  readonly pod: string;
  readonly container: string;
}

/** Converts served columns to rows with parsed values. */
export function toRows({ kind, data }: ServedEvents): unknown[] {
  const values = data[kind] ?? [];
  return values.map((value, i) => ({
    step: data.step?.[i],
    timestamp: data.timestamp?.[i],
    value: kind === 'metric' || kind === 'text' || kind === 'html' ? value : JSON.parse(String(value)),
  }));
}

/** Returns an expected row as it is served: times have a space, and NaN and infinities are null. */
export function toServed({ step, timestamp, value }: ExpectedRow): unknown {
  const isLost = typeof value === 'number' && !Number.isFinite(value);
  return { step, timestamp: timestamp.replace('T', ' '), value: isLost ? null : value };
}
