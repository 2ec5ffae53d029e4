/** The facts about stores. Separate from bucket-facts.ts, so that these types do not depend on the AWS SDK. */

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
