/** Opens a bucket of S3, or of a compatible store, as a store, and verifies what the bucket has not shown before. */

import { randomBytes } from 'node:crypto';
import { CommitEngine } from '../base/commit-engine.js';
import type { LearnedAnswers } from '../base/learned-answers.js';
import { crc32OfObject } from '../base/object-crc32.js';
import {
  type AppendOutcome,
  type AppendRequest,
  type NewerOutcome,
  PROBE_PREFIX,
  type ReadNewerOptions,
} from '../base/store.js';
import type { AskOutcome, BucketFacts, StoreFacts } from '../base/store-facts.js';
import { askLifecycle, describeCredentials } from './bucket-facts.js';
import { S3Connection } from './connection.js';
import { S3Questions } from './questions.js';
import { toKnownCapabilities } from './s3-capabilities.js';
import { S3Driver, type S3StoreOptions } from './s3-driver.js';
import type { CopyPlan } from './uploads.js';
import { writeFields } from './write-options.js';

export type { S3StoreOptions } from './s3-driver.js';

const BACKGROUND = ['honoursPutIfNoneMatch', 'honoursPutIfMatch', 'honoursComplete', 'verifiesMultipart'];

/** Loads the client and the credentials. Sends nothing to the bucket. Throws as `S3Connection.open` does, and `ConfigError`. */
export async function openS3Store(options: S3StoreOptions): Promise<S3Store> {
  writeFields(options);
  const connection = await S3Connection.open(options, options.onNotice);
  return new S3Store(new S3Driver(toS3StoreId(options), connection, options), options.clock);
}

/** The id of the store in journals and reports. */
export function toS3StoreId({ bucket, prefix, endpoint }: S3StoreOptions): string {
  const url = prefix === '' ? `s3://${bucket}` : `s3://${bucket}/${prefix}`;
  return endpoint === undefined ? url : `${url} at ${endpoint}`;
}

export class S3Store extends CommitEngine<S3Driver> {
  readonly #closing = new AbortController();
  #asking: Promise<void> | undefined;

  get learned(): LearnedAnswers {
    return this.driver.learned;
  }

  askInBackground(): void {
    if (BACKGROUND.every((name) => this.learned.get(name) !== undefined)) return;
    this.#asking ??= this.#ask();
  }

  readNewer(key: string, options: ReadNewerOptions): Promise<NewerOutcome> {
    return this.driver.readNewer(key, options);
  }

  async facts(): Promise<StoreFacts> {
    const { connection } = this.driver;
    const region = await connection.region();
    const credentials = describeCredentials(await connection.credentials());
    return { region, credentials, clockOffsetMs: connection.clockOffsetMs };
  }

  lifecycle(signal?: AbortSignal): Promise<BucketFacts['lifecycle']> {
    return askLifecycle(this.driver, signal);
  }

  /** Asks all questions, with test objects below `directory` that it removes. */
  async ask(directory: string, signal?: AbortSignal): Promise<AskOutcome> {
    const questions = new S3Questions(this, directory, signal);
    let remaining: readonly string[] = [];
    try {
      await questions.askCheaply();
      await questions.askAboutLargeObjects();
    } finally {
      remaining = await questions.remove();
    }
    return { capabilities: toKnownCapabilities(this.learned), mayAbort: questions.mayAbort, remaining };
  }

  override async append(request: AppendRequest): Promise<AppendOutcome> {
    const { base, target, keep = base } = request;
    const planned = await this.driver.findBase({ ...request, keep });
    const outcome = await super.append(request);
    const isCopied = target.sizeBytes !== base.sizeBytes || target.sizeBytes !== keep.sizeBytes;
    if (planned.status !== 'found' || outcome.status !== 'stored' || !isCopied) return outcome;
    const name = (planned.kept as CopyPlan).hasRanges ? 'rangeCopy' : 'append';
    return this.learned.get(name) === 'yes' ? outcome : this.#verifyAppend(name, outcome.etag, request);
  }

  override async close(): Promise<void> {
    this.#closing.abort();
    await this.#asking;
    await super.close();
  }

  /** Checks the first object that the store has made of copied parts. If it cannot be checked without reading it, later files are not appended to. */
  async #verifyAppend(
    name: 'append' | 'rangeCopy',
    etag: string,
    request: AppendRequest,
  ): Promise<AppendOutcome> {
    const { key, target, signal, commitId } = request;
    const found = await this.head(key, signal);
    if (found.status === 'retry' || found.status === 'failed') return found;
    if (found.status === 'absent' || found.object.etag !== etag) return { status: 'stored', etag };
    if (found.object.crc32 === target.crc32) {
      this.driver.optionals.accept(['append', name]);
      return { status: 'stored', etag };
    }
    const read = await crc32OfObject(this, key, { maxBytes: target.sizeBytes, signal });
    if (read.status !== 'read') return read;
    this.learned.learn(name, 'no');
    if (read.crc32 === target.crc32) return { status: 'stored', etag };
    const again = { ...request, base: found.object, commitId: `${commitId}-again`, unfinished: undefined };
    return this.commit(again);
  }

  async #ask(): Promise<void> {
    const directory = `${PROBE_PREFIX}${randomBytes(8).toString('hex')}/`;
    const questions = new S3Questions(this, directory, this.#closing.signal);
    try {
      await questions.askCheaply();
    } catch {
      // The store is being closed, or has failed: the answers stay unknown.
    }
    await questions.remove();
  }
}
