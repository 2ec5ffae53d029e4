/** What stores report of themselves, for `check`. */

import type { KnownCapabilities } from './capabilities.js';

/** What is known without writing anything. */
export interface StoreFacts {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: CredentialFacts | null;
  /** How far the store's clock is ahead of this host's clock, accurate to about a second. */
  readonly clockOffsetMs?: number;
}

/** The answers of a store to all questions. */
export interface AskOutcome {
  readonly capabilities: KnownCapabilities;
  /** Whether multipart uploads may be aborted; null when unknown. */
  readonly mayAbort: boolean | null;
  /** Keys of test objects that could not be removed. */
  readonly remaining: readonly string[];
}

/** The facts about credentials of which only the source is known: clients and vendor libraries choose them internally. */
export function toCredentialFacts(source: string | null): CredentialFacts | null {
  return source === null ? null : { source, accessKeyId: '…', isTemporary: false, expiresAt: null };
}

export interface BucketFacts {
  /** The lifecycle rule for incomplete multipart uploads. */
  readonly lifecycle:
    | { readonly status: 'set'; readonly afterDays: number }
    | { readonly status: 'absent' | 'unknown' };
}

export interface CredentialFacts {
  /** Where the credentials come from, in words. */
  readonly source: string;
  /** Only the first and last characters; the key id is not secret, but these are enough to recognise it. */
  readonly accessKeyId: string;
  readonly isTemporary: boolean;
  /** ISO 8601; null when unknown. */
  readonly expiresAt: string | null;
}

/** The facts about a Polyaxon server. */
export interface ServerFacts {
  readonly version: string | null;
  /** The edition; `ce` is the open-source server. */
  readonly distribution: string | null;
  /** `owner/project` of the URL, which exists on the server; null when the URL names none. */
  readonly project: string | null;
}
