/** Describes a bucket and its credentials without writing anything. */

import { toS3Failure } from '../../store/s3/answer.js';
import type { S3Credentials } from '../../store/s3/connection.js';
import type { S3Store } from '../../store/s3/s3-store.js';
import type { BucketFacts, CredentialFacts } from './store-facts.js';

/** Source: the marks that the AWS SDK for JavaScript puts on credentials (`$source`), `@aws-sdk/types`, `AwsSdkCredentialsFeatures`. */
const SOURCES: readonly (readonly [RegExp, string])[] = [
  [/^CREDENTIALS_ENV_VARS$/, 'environment variables'],
  [/^CREDENTIALS_(ENV_VARS_)?STS_WEB_ID_TOKEN$|^CREDENTIALS_STS_ASSUME_ROLE_WEB_ID$/, 'web identity token'],
  [/SSO/, 'single sign-on'],
  [/LOGIN/, 'aws login'],
  [/PROCESS/, 'credential process'],
  [/^CREDENTIALS_HTTP$/, 'container role'],
  [/^CREDENTIALS_IMDS$/, 'instance role'],
  [/ASSUME_ROLE/, 'assumed role'],
  [/PROFILE/, 'shared credentials file'],
];

export function describeCredentials(credentials: S3Credentials): CredentialFacts {
  const { accessKeyId, sessionToken, expiration } = credentials;
  const marks = '$source' in credentials ? Object.keys(credentials.$source ?? {}) : [];
  const found = SOURCES.find(([mark]) => marks.some((each) => mark.test(each)));
  return {
    source: found?.[1] ?? 'the AWS credential provider chain',
    accessKeyId: accessKeyId.length > 8 ? `${accessKeyId.slice(0, 4)}…${accessKeyId.slice(-2)}` : '…',
    isTemporary: sessionToken !== undefined,
    expiresAt: expiration?.toISOString() ?? null,
  };
}

/** Reads the lifecycle rules of the bucket; `unknown` when the credentials do not allow it. */
export async function askLifecycle(store: S3Store, signal?: AbortSignal): Promise<BucketFacts> {
  const input = { Bucket: store.driver.bucket };
  try {
    const { Rules = [] } = await store.driver.connection.send(
      (sdk) => new sdk.GetBucketLifecycleConfigurationCommand(input),
      { signal },
    );
    const days = Rules.filter(({ Status }) => Status === 'Enabled')
      .filter(({ Filter, Prefix }) => covers(Filter?.Prefix ?? Filter?.And?.Prefix ?? Prefix ?? '', store))
      .flatMap(({ AbortIncompleteMultipartUpload: rule }) => rule?.DaysAfterInitiation ?? []);
    if (days.length === 0) return { lifecycle: { status: 'absent' } };
    return { lifecycle: { status: 'set', afterDays: days.reduce((a, b) => Math.min(a, b)) } };
  } catch (error) {
    signal?.throwIfAborted();
    const isAbsent = toS3Failure(error).code === 'NoSuchLifecycleConfiguration';
    return { lifecycle: { status: isAbsent ? 'absent' : 'unknown' } };
  }
}

function covers(prefix: string, store: S3Store): boolean {
  return store.driver.toTarget('').Key.startsWith(prefix);
}
