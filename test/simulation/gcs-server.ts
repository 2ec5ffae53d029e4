/**
 * Google Cloud Storage, as far as the driver uses it: objects with generations, upload sessions, composition, and requests that depend on a
 * generation. Source: Cloud Storage JSON API v1, "Objects", and "Perform resumable uploads".
 */

import { crc32c } from '../../src/format/record/crc32c.js';
import { toBase64Crc } from '../../uploader/store/base/commit-metadata.js';
import { GcsConnection } from '../../uploader/store/gcs/connection.js';
import { GcsDriver } from '../../uploader/store/gcs/gcs-driver.js';
import type { Bucket, StoredBytes } from './bucket.js';
import type { Process } from './machine.js';
import { type Answer, connect, type Received, type Server } from './network.js';
import type { Random } from './random.js';

const ENDPOINT = 'http://gcs.sim';
const PAGE = 50;
/** A session keeps whole units of a piece that is not the last one. The real unit is 256 KiB. */
const UNIT_BYTES = 256;
/** So small that files of some kilobytes use every way of a commit. */
const LIMITS = { singlePutMaxBytes: 2048, pieceBytes: 1024, minBaseBytes: 512, budgetBytes: 16_384 };

interface Resource {
  readonly name: string;
  readonly crc32c?: string;
  readonly metadata?: Record<string, string>;
}

interface Source {
  readonly name: string;
  readonly generation?: string;
  readonly objectPreconditions?: { readonly ifGenerationMatch?: string };
}

interface Session {
  readonly resource: Resource;
  readonly query: URLSearchParams;
  bytes: Buffer;
  requests: number;
}

export class GcsServer implements Server {
  readonly weather: Server['weather'];
  readonly #sessions = new Map<string, Session>();

  constructor(
    readonly bucket: Bucket,
    readonly wallMs: () => number,
  ) {
    this.weather = { fateOf: (random) => bucket.fateOf(random) };
  }

  get changes(): number {
    return this.bucket.changes;
  }

  set changes(count: number) {
    this.bucket.changes = count;
  }

  nowMs(): number {
    return this.wallMs();
  }

  fail(random: Random): Answer | null {
    return random.pick([
      null,
      { status: 503 },
      { status: 429 },
      { status: 500, body: Buffer.from('<html>') },
    ]);
  }

  handle({ method, url, headers, body }: Received): Answer {
    const { searchParams: query, pathname } = url;
    const id = query.get('upload_id');
    if (id !== null) return this.#continue(id, method, headers['content-range'] ?? '', body);
    if (pathname.startsWith('/upload/')) return this.#upload(query, headers, body);
    const [, encoded = '', action] = /\/o\/([^/]+)(?:\/(\w+))?$/.exec(pathname) ?? [];
    const name = decodeURIComponent(encoded);
    if (name === '') return this.#list(query);
    if (action === 'compose') return this.#compose(name, query, JSON.parse(body.toString()));
    const found = this.bucket.objects.get(name);
    if (found === undefined) return failure(404, 'notFound');
    if (method === 'DELETE') {
      if (!this.#isExpected(name, query)) return failure(412, 'conditionNotMet');
      this.bucket.delete(name);
      return { status: 204 };
    }
    return query.get('alt') === 'media' ? toMedia(found, headers.range) : ok(toObject(name, found));
  }

  #list(query: URLSearchParams): Answer {
    const [prefix, after] = [query.get('prefix') ?? '', query.get('pageToken') ?? ''];
    const start = query.get('startOffset') ?? '';
    const found = [...this.bucket.objects]
      .filter(([name]) => name.startsWith(prefix) && name >= start && name > after)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const items = found.slice(0, PAGE);
    const next = items.length < found.length ? { nextPageToken: items.at(-1)![0] } : {};
    if (query.has('delimiter')) {
      const folders = found.map(([name]) => /^[^/]*\//.exec(name.slice(prefix.length))?.[0]);
      const prefixes = [...new Set(folders)].flatMap((each) => (each === undefined ? [] : prefix + each));
      return ok({ kind: 'storage#objects', prefixes });
    }
    return ok({ kind: 'storage#objects', items: items.map(([name, each]) => toObject(name, each)), ...next });
  }

  #upload(query: URLSearchParams, headers: Received['headers'], body: Buffer): Answer {
    if (query.get('uploadType') === 'multipart') {
      const boundary = `--${/boundary=(.+)$/.exec(headers['content-type'] ?? '')?.[1]}`;
      const text = body.toString('latin1');
      const json = text.slice(text.indexOf('\r\n\r\n') + 4, text.indexOf(`\r\n${boundary}`, 1));
      const start = text.indexOf('\r\n\r\n', text.indexOf(`\r\n${boundary}`)) + 4;
      const bytes = body.subarray(start, text.lastIndexOf(`\r\n${boundary}--`));
      return this.#create(JSON.parse(Buffer.from(json, 'latin1').toString()), query, bytes);
    }
    const resource = JSON.parse(body.toString()) as Resource;
    // The condition is checked when the session begins, and again at its end.
    if (!this.#isExpected(resource.name, query)) return failure(412, 'conditionNotMet');
    const id = this.bucket.nextUploadId();
    this.#sessions.set(id, { resource, query, bytes: Buffer.alloc(0), requests: 0 });
    return { status: 200, headers: { location: `${ENDPOINT}/upload/session?upload_id=${id}` } };
  }

  #continue(id: string, method: string, range: string, body: Buffer): Answer {
    const session = this.#sessions.get(id);
    if (session === undefined) return failure(404, 'notFound');
    if (method === 'DELETE') {
      this.#sessions.delete(id);
      return { status: 499 };
    }
    const [, start, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(range) ?? [];
    if (start !== undefined) {
      if (Number(start) > session.bytes.length) return failure(400, 'badRequest');
      const all = Buffer.concat([session.bytes, body.subarray(session.bytes.length - Number(start))]);
      // Sometimes less is kept than was sent, but always something.
      session.requests += 1;
      const isCut = session.requests % 4 === 3 && all.length - session.bytes.length > UNIT_BYTES;
      const end = isCut ? session.bytes.length + UNIT_BYTES : all.length;
      session.bytes = all.subarray(
        0,
        all.length === Number(total) && !isCut ? end : end - (end % UNIT_BYTES),
      );
    }
    const { bytes, resource, query } = session;
    if (bytes.length < Number(total)) {
      const kept = bytes.length === 0 ? {} : { range: `bytes=0-${bytes.length - 1}` };
      return { status: 308, headers: kept };
    }
    this.#sessions.delete(id);
    return this.#create(resource, query, bytes);
  }

  #compose(
    name: string,
    query: URLSearchParams,
    sent: { readonly destination: Omit<Resource, 'name'>; readonly sourceObjects: readonly Source[] },
  ): Answer {
    const pieces: Buffer[] = [];
    for (const { name: source, generation, objectPreconditions: wanted } of sent.sourceObjects) {
      const found = this.bucket.objects.get(source);
      if (found === undefined || found.etag !== (generation ?? found.etag)) return failure(404, 'notFound');
      if (found.etag !== (wanted?.ifGenerationMatch ?? found.etag)) return failure(412, 'conditionNotMet');
      pieces.push(found.bytes);
    }
    return this.#create({ ...sent.destination, name }, query, Buffer.concat(pieces));
  }

  #create({ name, crc32c: wanted, metadata = {} }: Resource, query: URLSearchParams, bytes: Buffer): Answer {
    if (!this.#isExpected(name, query)) return failure(412, 'conditionNotMet');
    if (wanted !== undefined && wanted !== toBase64Crc(crc32c(bytes)))
      return failure(400, 'invalid', 'Provided CRC32C does not match');
    this.bucket.put(name, bytes, metadata, (version) => String(1_700_000_000_000_000 + version));
    return ok(toObject(name, this.bucket.objects.get(name)!));
  }

  #isExpected(name: string, query: URLSearchParams): boolean {
    const wanted = query.get('ifGenerationMatch');
    return wanted === null || wanted === (this.bucket.objects.get(name)?.etag ?? '0');
  }
}

/** The driver of one process. */
export function openGcsDriver(id: string, server: GcsServer, process: Process): GcsDriver {
  const client = { endpoint: ENDPOINT, signsWith: null, authorize: async () => ({}) };
  const options = { bucket: server.bucket.options.name, prefix: '', limits: LIMITS };
  const { clock } = process.machine;
  const connection = new GcsConnection(options.bucket, client, { clock }, connect(process, server));
  const driver = new GcsDriver(id, connection, options);
  Object.assign(driver.limits, { minAppendBytes: LIMITS.minBaseBytes });
  return driver;
}

function toObject(name: string, { bytes, etag, metadata, sinceMs }: StoredBytes): object {
  const timeCreated = new Date(sinceMs).toISOString();
  const size = String(bytes.length);
  return { name, generation: etag, size, crc32c: toBase64Crc(crc32c(bytes)), metadata, timeCreated };
}

function toMedia({ bytes }: StoredBytes, range: string | undefined): Answer {
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  if (start === undefined) return { status: 200, body: bytes };
  if (Number(start) >= bytes.length) return failure(416, 'requestedRangeNotSatisfiable');
  return { status: 206, body: bytes.subarray(Number(start), Number(end) + 1) };
}

function ok(body: object): Answer {
  return { status: 200, body };
}

function failure(status: number, reason: string, message = reason): Answer {
  return { status, body: { error: { code: status, message, errors: [{ reason }] } } };
}
