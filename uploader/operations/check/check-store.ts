/**
 * Checks whether a store can be used: whether it is reachable, accepts the credentials, and what it supports. Writes only test objects.
 *
 * Stops at the first problem that makes the store unusable; all lesser problems are collected as notices.
 */

import { randomBytes } from 'node:crypto';
import { CodedError } from '../../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../../src/base/options.js';
import type { Io } from '../../base/io/io.js';
import { RetryPolicy } from '../../base/limits/retry-policy.js';
import type { FailedOutcome } from '../../base/retry-table.js';
import type { PolyaxonConnection } from '../../polyaxon-api/connection.js';
import type { KnownCapabilities } from '../../store/base/capabilities.js';
import { PROBE_PREFIX, type Store, type StoreNotice, type StorePermissions } from '../../store/base/store.js';
import type { BucketFacts, CredentialFacts, ServerFacts } from '../../store/base/store-facts.js';
import { writeAnswers } from '../../store/capability-cache.js';
import { openStore, type S3ClientOptions } from '../../store/open-store.js';
import { type Access, checkAccess } from './check-access.js';

export interface CheckStoreOptions {
  readonly io: Io;
  readonly stateDirectory: string;
  readonly s3?: S3ClientOptions | undefined;
  readonly polyaxon?: PolyaxonConnection | undefined;
  readonly signal?: AbortSignal | undefined;
}
const CHECK_STORE_OPTIONS: OptionTable<CheckStoreOptions> = {
  io: 'object',
  stateDirectory: 'string',
  s3: 'object',
  polyaxon: 'object',
  signal: 'object',
};

export interface StoreCheck {
  /** The store id, as in journals and reports; the URL when the store could not be opened. */
  readonly store: string;
  /** Whether a sync has everything that it needs. */
  readonly isUsable: boolean;
  /** Null for a directory, and for AWS itself. */
  readonly endpoint: string | null;
  readonly region: string | null;
  /** Null for all stores but Polyaxon servers. */
  readonly server: ServerFacts | null;
  readonly credentials: CredentialFacts | null;
  /** Null: unknown. */
  readonly permissions: { readonly list: boolean | null; readonly put: boolean | null } & {
    readonly [name in keyof StorePermissions]: boolean | null;
  };
  /** `unknown`: the question failed. */
  readonly capabilities: KnownCapabilities | null;
  /** How far the store's clock is ahead of this host's clock, accurate to about a second. */
  readonly clockOffsetMs: number | null;
  readonly lifecycle: BucketFacts['lifecycle'] | null;
  /** Why the store cannot be used; null when it can. */
  readonly error: CodedError | null;
  /** Advice for a usable store. */
  readonly notices: readonly StoreNotice[];
}

/** Checks the store at `url`. Rejects only when the signal is aborted, or for a bug in this program. */
export async function checkStore(url: string, options: CheckStoreOptions): Promise<StoreCheck> {
  checkOptions('checkStore', options ?? null, CHECK_STORE_OPTIONS);
  const notices: StoreNotice[] = [];
  const onNotice = (notice: StoreNotice): void => {
    notices.push(notice);
  };
  try {
    const polyaxon = { connection: options.polyaxon };
    const store = await openStore(url, { ...options.io, s3: options.s3, polyaxon, onNotice });
    try {
      if (store.serverFacts !== undefined) return await checkServer(store, notices, options);
      return await checkOpenStore(store, notices, options);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof CodedError) return { ...toUnknown(url, options), error };
    throw error;
  }
}

async function checkOpenStore(
  store: Store,
  notices: StoreNotice[],
  options: CheckStoreOptions,
): Promise<StoreCheck> {
  const { signal } = options;
  const unknown = { ...toUnknown(store.id, options), notices };
  const described = async (): Promise<Partial<StoreCheck>> => (await store.facts?.()) ?? {};

  const retryPolicy = new RetryPolicy({ ...options.io, retryTimeoutMs: RETRY_TIMEOUT_MS });
  const listed = await retryPolicy.withRetry(`reach ${store.id}`, () => store.check(signal), { signal });
  if (listed.status !== 'ready') return { ...unknown, ...(await described()), ...toFailed(listed, 'list') };
  const directory = `${PROBE_PREFIX}${randomBytes(8).toString('hex')}/`;
  const access = await checkAccess(store, { directory, retryPolicy, signal });
  if (access.status === 'failed') {
    const { error, permissions } = toFailed(access, access.lacks ?? null);
    const put = access.lacks === 'get' ? true : permissions.put; // the object could be written but not read back
    return { ...unknown, ...(await described()), error, permissions: { ...permissions, list: true, put } };
  }
  const found = await askStore(store, { access, directory, signal });
  const { capabilities, permissions, remaining } = found;
  const isKept = await writeAnswers(store, options);
  const lifecycle = (await store.lifecycle?.(signal)) ?? null;
  const check: StoreCheck = {
    ...unknown,
    ...(await described()),
    isUsable: permissions.get,
    permissions: { list: true, put: true, ...permissions },
    capabilities,
    lifecycle,
  };
  const unkept: StoreNotice = {
    code: 'NOTICE_STATE_DIR',
    message: `${options.stateDirectory} is not writable: pass a local directory with --state-dir before you sync`,
  };
  return { ...check, notices: [...notices, ...(isKept ? [] : [unkept]), ...toNotices(check, remaining)] };
}

async function askStore(
  store: Store,
  { access, directory, signal }: { access: Access; directory: string; signal: AbortSignal | undefined },
): Promise<Access & { readonly capabilities: KnownCapabilities }> {
  if (store.ask === undefined) return { ...access, capabilities: store.capabilities };
  const { capabilities, mayAbort, remaining } = await store.ask(directory, signal);
  const mayDelete = access.permissions.delete && remaining.length === 0;
  const permissions = { ...access.permissions, abort: mayAbort, delete: mayDelete };
  return { permissions, remaining: [...new Set([...access.remaining, ...remaining])], capabilities };
}

/** Checks a Polyaxon server without a probe, because all Polyaxon servers have the same capabilities. */
async function checkServer(
  store: Store,
  notices: StoreNotice[],
  options: CheckStoreOptions,
): Promise<StoreCheck> {
  const known = { ...toUnknown(store.id, options), ...(await store.facts?.()), notices };
  try {
    const server = (await store.serverFacts?.(options.signal)) ?? null;
    const check: StoreCheck = { ...known, server, isUsable: true, capabilities: store.capabilities };
    const unconditional: StoreNotice = {
      code: 'NOTICE_NO_CONDITIONAL_WRITES',
      message: 'the server has no conditional writes: use only one uploader for each run',
    };
    return { ...check, notices: [...notices, unconditional, ...toNotices(check, [])] };
  } catch (error) {
    if (error instanceof CodedError) return { ...known, error };
    throw error;
  }
}

/** How long a failed request is repeated. */
const RETRY_TIMEOUT_MS = 3_000;

const NOT_ASKED = { list: null, put: null, get: null, abort: null, delete: null };

function toUnknown(store: string, { s3 }: CheckStoreOptions): StoreCheck {
  return {
    store,
    isUsable: false,
    endpoint: s3?.endpoint ?? null,
    region: null,
    server: null,
    credentials: null,
    permissions: NOT_ASKED,
    capabilities: null,
    clockOffsetMs: null,
    lifecycle: null,
    error: null,
    notices: [],
  };
}

function toFailed(
  { error }: FailedOutcome,
  forbidden: 'list' | 'put' | 'get' | null,
): Pick<StoreCheck, 'error' | 'permissions'> {
  const isForbidden = error.code === 'ERR_STORE_ACCESS' && forbidden !== null;
  return { error, permissions: isForbidden ? { ...NOT_ASKED, [forbidden]: false } : NOT_ASKED };
}

/** S3 accepts requests whose time is off by up to 15 minutes. Source: Amazon S3 API Reference, `RequestTimeTooSkewed`. */
const CLOCK_NOTICE_MS = 60_000;

function toNotices(check: StoreCheck, remaining: readonly string[]): StoreNotice[] {
  const { capabilities, permissions, lifecycle, clockOffsetMs } = check;
  const notices: StoreNotice[] = [];
  const noteIf = (isSo: boolean, code: StoreNotice['code'], message: string): void => {
    if (isSo) notices.push({ code, message });
  };
  noteIf(
    permissions.get === false,
    'NOTICE_NO_GET',
    'the credentials may not read objects, so nothing can be verified: allow reading (on S3: s3:GetObject)',
  );
  noteIf(
    permissions.abort === false,
    'NOTICE_NO_ABORT',
    'the credentials may not abort multipart uploads: allow s3:AbortMultipartUpload, or you pay for the parts of a killed upload until a lifecycle rule removes them',
  );
  noteIf(
    remaining.length > 0,
    'NOTICE_PROBE_LEFT',
    `the credentials may not delete the probe's objects: ${remaining.join(', ')}; only the probe needs this permission`,
  );
  noteIf(
    lifecycle?.status === 'absent',
    'NOTICE_NO_LIFECYCLE_RULE',
    'no lifecycle rule removes incomplete multipart uploads: add AbortIncompleteMultipartUpload with 7 days',
  );
  noteIf(
    capabilities?.versioning === 'on',
    'NOTICE_VERSIONED',
    'the bucket keeps replaced objects (versioning or soft delete), so each append keeps an old version: add a lifecycle rule that expires noncurrent versions',
  );
  noteIf(
    capabilities?.append === null,
    'NOTICE_NO_APPEND',
    'the store cannot append to objects: growing files are uploaded again as a whole, or in segments',
  );
  noteIf(
    clockOffsetMs !== null && Math.abs(clockOffsetMs) > CLOCK_NOTICE_MS,
    'NOTICE_CLOCK',
    `the store's clock is ${Math.round((clockOffsetMs ?? 0) / 1000)} s ahead of this host's: set the clock with NTP (until then, requests are signed with the store's time)`,
  );
  return notices;
}
