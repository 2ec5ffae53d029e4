/** Parses store URLs and opens stores. */

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../src/base/clock.js';
import { describe, shorten } from '../../src/base/describe.js';
import { checkOptions, type OptionTable } from '../../src/base/options.js';
import { ConfigError, StoreUrlError } from '../base/errors.js';
import type { Transport } from '../base/http/transport.js';
import type { FileSystem } from '../base/io/file-system.js';
import { type Io, nodeIo } from '../base/io/io.js';
import type { ProcessTable } from '../base/io/processes.js';
import type { Randomness } from '../base/io/randomness.js';
import { withoutUserInfo } from '../base/redact.js';
import { PolyaxonClient } from '../polyaxon-api/client.js';
import { DEFAULT_HOST, findConnection, type PolyaxonConnection } from '../polyaxon-api/connection.js';
import { NO_STORE, type PolyaxonLocation, parsePolyaxonUrl } from '../polyaxon-api/polyaxon-url.js';
import type { ProjectDirectory } from '../polyaxon-api/project-directory.js';
import { openAzureStore, toAzureStoreId } from './azure/azure-store.js';
import { AZURE_CLIENT_OPTIONS, type AzureClientOptions } from './azure/options.js';
import type { Store, StoreNotice } from './base/store.js';
import { createFileStore } from './file/file-store.js';
import { GCS_CLIENT_OPTIONS, type GcsClientOptions } from './gcs/client.js';
import { openGcsStore, toGcsStoreId } from './gcs/gcs-store.js';
import { createNoStore } from './no-store.js';
import { createPolyaxonStore, PolyaxonStore, toPolyaxonStoreId } from './polyaxon/polyaxon-store.js';
import { S3_CLIENT_OPTIONS, type S3ClientOptions } from './s3/options.js';
import { openS3Store, toS3StoreId } from './s3/s3-store.js';

export type { AzureClientOptions } from './azure/options.js';
export type { GcsClientOptions } from './gcs/client.js';
export type { S3ClientOptions, S3RequestHandler, S3Timeouts, S3WriteOptions } from './s3/options.js';

/** The location that a store URL names. */
export type StoreLocation =
  | { readonly scheme: 'file'; readonly path: string }
  | { readonly scheme: 's3' | 'gs'; readonly bucket: string; readonly prefix: string }
  | { readonly scheme: 'azure'; readonly container: string; readonly prefix: string }
  | PolyaxonLocation
  /** Files are not uploaded. */
  | { readonly scheme: 'none' };

export interface OpenStoreOptions {
  readonly fileSystem: FileSystem;
  /** Clock, randomness and processes default to those of this host. */
  readonly clock?: Clock | undefined;
  readonly randomness?: Randomness | undefined;
  readonly processes?: ProcessTable | undefined;
  readonly s3?: S3ClientOptions | undefined;
  readonly gcs?: GcsClientOptions | undefined;
  readonly azure?: AzureClientOptions | undefined;
  readonly polyaxon?: PolyaxonOpenOptions | undefined;
  readonly onNotice?: ((notice: StoreNotice) => void) | undefined;
}

/** The options, and what callers pass with a whole `Io` that the function does not use. */
const OPEN_STORE_OPTIONS: OptionTable<OpenStoreOptions & Pick<Io, 'hostId' | 'openFileWatcher'>> = {
  fileSystem: 'object',
  clock: 'object',
  randomness: 'object',
  processes: 'object',
  s3: 'object',
  gcs: 'object',
  azure: 'object',
  polyaxon: 'object',
  onNotice: 'function',
  hostId: 'function',
  openFileWatcher: 'function',
};

export interface PolyaxonOpenOptions {
  /** How to connect to the server of the URL. Default: from the environment of this process and the user's configuration files. */
  readonly connection?: PolyaxonConnection | undefined;
  /** The owner and project of each run; callers record them here. Default: those of the URL for all runs. */
  readonly projects?: ProjectDirectory | undefined;
  /** Sends the HTTP requests. Default: undici. */
  readonly transport?: Transport | undefined;
  /** Awaited before each request, to limit the number of requests per second. */
  readonly beforeRequest?: ((signal?: AbortSignal) => Promise<void>) | undefined;
}
const POLYAXON_OPEN_OPTIONS: OptionTable<PolyaxonOpenOptions> = {
  connection: 'object',
  projects: 'object',
  transport: 'object',
  beforeRequest: 'function',
};

/** Source: Amazon S3 User Guide, "General purpose bucket naming rules"; other stores allow upper case and underscores too. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
/** Source: Azure Storage REST API Reference, "Naming and referencing containers, blobs, and metadata". */
const CONTAINER = /^(?:\$root|(?=.{3,63}$)[a-z0-9]+(?:-[a-z0-9]+)*)$/;

/** Opens the store at `url`. Sends nothing. Throws `StoreUrlError`, or the store's error for missing credentials or libraries. */
export async function openStore(url: string, options: OpenStoreOptions): Promise<Store> {
  checkOptions('openStore', options ?? null, OPEN_STORE_OPTIONS);
  checkOptions('openStore: s3', options.s3, S3_CLIENT_OPTIONS);
  checkOptions('openStore: gcs', options.gcs, GCS_CLIENT_OPTIONS);
  checkOptions('openStore: azure', options.azure, AZURE_CLIENT_OPTIONS);
  checkOptions('openStore: polyaxon', options.polyaxon, POLYAXON_OPEN_OPTIONS);
  const location = parseStoreUrl(url);
  if (location.scheme === 'none') return createNoStore();
  const {
    fileSystem,
    clock = nodeIo.clock,
    randomness = nodeIo.randomness,
    processes = nodeIo.processes,
  } = options;
  if (location.scheme === 'file')
    return createFileStore(location.path, fileSystem, { clock, randomness, processes });
  if (location.scheme === 'polyaxon') return openPolyaxonStore(location, clock, options);
  const { prefix } = location;
  if (location.scheme === 'azure')
    return openAzureStore({ container: location.container, prefix, clock, ...options.azure });
  const { bucket } = location;
  if (location.scheme === 'gs') return openGcsStore({ bucket, prefix, clock, ...options.gcs });
  return openS3Store({ bucket, prefix, clock, ...options.s3, onNotice: options.onNotice });
}

/** The `id` that the store at `url` will have when it is opened. `polyaxonHost`: of the connection, for a URL without a host. */
export function storeIdOf(
  url: string,
  {
    s3,
    polyaxonHost,
  }: { s3?: S3ClientOptions | undefined; polyaxonHost?: (() => string | undefined) | undefined },
): string {
  const location = parseStoreUrl(url);
  if (location.scheme === 'polyaxon')
    return toPolyaxonStoreId(location.host ?? polyaxonHost?.() ?? DEFAULT_HOST);
  if (location.scheme === 'none') return NO_STORE;
  if (location.scheme === 'file') return `file://${location.path}`;
  if (location.scheme === 'gs') return toGcsStoreId(location);
  if (location.scheme === 'azure') return toAzureStoreId(location);
  return toS3StoreId({ ...location, ...s3 });
}

/** The owner and project of each run, for a store on a Polyaxon server; null for all others. */
export function projectsOf(store: Store): ProjectDirectory | null {
  return store instanceof PolyaxonStore ? store.projects : null;
}

async function openPolyaxonStore(
  { host, owner, project }: PolyaxonLocation,
  clock: Clock,
  { fileSystem, polyaxon = {}, onNotice }: OpenStoreOptions,
): Promise<PolyaxonStore> {
  const { projects, transport, beforeRequest } = polyaxon;
  const connection =
    polyaxon.connection ?? (await findConnection({ host: host ?? undefined }, process.env, fileSystem));
  // Never send the token of one server to another.
  if (host !== null && connection.host !== host)
    throw new ConfigError(
      `the store URL names ${host}, but the connection is to ${connection.host}`,
      'Use the same host in the store URL and in the Polyaxon settings.',
    );
  if (!connection.tls.isVerified)
    onNotice?.({
      code: 'NOTICE_TLS_UNVERIFIED',
      message: `${connection.host}: POLYAXON_VERIFY_SSL is off, so an attacker on the network can impersonate the server`,
    });
  const client = new PolyaxonClient({ connection, transport, clock, beforeRequest });
  const place = owner === null || project === null ? {} : { owner, project };
  return createPolyaxonStore({ client, projects, place });
}

/** Parses `file:///path`, `s3://bucket/prefix`, `gs://…`, `azure://…` or `polyaxon://host/owner/project`. Throws `StoreUrlError`. */
export function parseStoreUrl(text: string): StoreLocation {
  if (typeof text !== 'string') throw new StoreUrlError(`the store URL is ${describe(text)}, expected text`);
  if (text === NO_STORE) return { scheme: 'none' };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === 'file') return parseFileUrl(text);
  if (scheme === 's3' || scheme === 'gs') return { scheme, ...parseBucketUrl(text) };
  if (scheme === 'azure') {
    const { bucket: container, prefix } = parseBucketUrl(text, CONTAINER);
    return { scheme, container, prefix };
  }
  if (scheme?.split('+')[0] === 'polyaxon') return parsePolyaxonUrl(text);
  const found =
    scheme === undefined ? 'does not begin with a scheme and "://"' : `no store supports ${scheme}://`;
  throw new StoreUrlError(`${shorten(withoutUserInfo(text))}: ${found}`);
}

function parseFileUrl(text: string): StoreLocation {
  try {
    return { scheme: 'file', path: resolve(fileURLToPath(text)) };
  } catch (cause) {
    throw new StoreUrlError(`${text}: not a path on this host; a file URL has three slashes`, { cause });
  }
}

function parseBucketUrl(text: string, pattern = BUCKET): { bucket: string; prefix: string } {
  const [bucket = '', ...names] = text.slice(text.indexOf('://') + '://'.length).split('/');
  const prefix = names.join('/').replace(/\/+$/, '');
  if (!pattern.test(bucket)) {
    const kind = pattern === CONTAINER ? 'container' : 'bucket';
    throw new StoreUrlError(`${withoutUserInfo(text)}: the ${kind} name is missing or malformed`);
  }
  if (prefix.split('/').some((name) => name === '.' || name === '..' || (name === '' && prefix !== '')))
    throw new StoreUrlError(`${text}: the prefix has an empty name, "." or ".."`);
  if (/[?#]/.test(prefix)) throw new StoreUrlError(`${text}: the prefix must not contain "?" or "#"`);
  return { bucket, prefix };
}
