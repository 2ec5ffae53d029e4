/** What a check says of a bucket and of its credentials. Apart from bucket-facts.ts, so that these types need no types of the AWS SDK. */

export interface BucketFacts {
  /** The rule for incomplete multipart uploads. */
  readonly lifecycle:
    | { readonly status: 'set'; readonly afterDays: number }
    | { readonly status: 'absent' | 'unknown' };
}

export interface CredentialFacts {
  /** Where they come from, in words. */
  readonly source: string;
  /** Its ends only: it is no secret, and nobody needs it whole. */
  readonly accessKeyId: string;
  readonly isTemporary: boolean;
  /** ISO 8601; null when they do not say. */
  readonly expiresAt: string | null;
}
