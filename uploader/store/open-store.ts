/** From a URL to a store. */

import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../src/clock.js';
import { StoreUrlError } from '../errors.js';
import type { FileSystem } from '../io/file-system.js';
import { nodeIo } from '../io/io.js';
import type { ProcessTable } from '../io/processes.js';
import type { Randomness } from '../io/randomness.js';
import { createFileStore } from './file-store.js';
import type { S3ClientOptions } from './s3-client.js';
import { openS3Store } from './s3-store.js';
import type { Store, StoreNotice } from './store.js';

/** What a store URL names. */
export type StoreLocation =
  | { readonly scheme: 'file'; readonly path: string }
  | { readonly scheme: 's3'; readonly bucket: string; readonly prefix: string };

export interface OpenStoreOptions {
  readonly fileSystem: FileSystem;
  /** Default: the host's. */
  readonly clock?: Clock | undefined;
  readonly randomness?: Randomness | undefined;
  readonly processes?: ProcessTable | undefined;
  readonly s3?: S3ClientOptions | undefined;
  readonly onNotice?: ((notice: StoreNotice) => void) | undefined;
}

/** Source: Amazon S3 User Guide, "General purpose bucket naming rules"; other stores allow upper case and underscores too. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;

/** Opens the store at `url`. Sends nothing; throws `StoreUrlError`, or what the store throws for its credentials. */
export async function openStore(url: string, options: OpenStoreOptions): Promise<Store> {
  const location = parseStoreUrl(url);
  const {
    fileSystem,
    clock = nodeIo.clock,
    randomness = nodeIo.randomness,
    processes = nodeIo.processes,
  } = options;
  if (location.scheme === 'file')
    return createFileStore(location.path, fileSystem, { clock, randomness, processes });
  const { bucket, prefix } = location;
  return openS3Store({ bucket, prefix, clock, ...options.s3, onNotice: options.onNotice });
}

/** Reads `file:///path`, or `s3://bucket/prefix`. Throws `StoreUrlError`. */
export function parseStoreUrl(text: string): StoreLocation {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === 'file') return parseFileUrl(text);
  if (scheme === 's3') return parseS3Url(text);
  const found = scheme === undefined ? 'there is no scheme' : `there is no store for ${scheme}://`;
  throw new StoreUrlError(`${withoutUserInfo(text)}: ${found}`);
}

function parseFileUrl(text: string): StoreLocation {
  try {
    return { scheme: 'file', path: resolve(fileURLToPath(text)) };
  } catch (cause) {
    throw new StoreUrlError(`${text}: this is no path of this host; a file URL has three slashes`, { cause });
  }
}

function parseS3Url(text: string): StoreLocation {
  const [bucket = '', ...names] = text.slice('s3://'.length).split('/');
  const prefix = names.join('/').replace(/\/+$/, '');
  if (!BUCKET.test(bucket))
    throw new StoreUrlError(`${withoutUserInfo(text)}: the bucket's name is missing or malformed`);
  if (prefix.split('/').some((name) => name === '.' || name === '..' || (name === '' && prefix !== '')))
    throw new StoreUrlError(`${text}: the prefix has an empty name, "." or ".."`);
  if (/[?#]/.test(prefix)) throw new StoreUrlError(`${text}: a prefix has no "?" and no "#"`);
  return { scheme: 's3', bucket, prefix };
}

/** Somebody may have put credentials into the URL: they are not repeated. */
function withoutUserInfo(text: string): string {
  return text.replace(/\/\/[^/]*@/, '//…@');
}
