/** Describes a bucket and its credentials without writing anything. */

import type { BucketFacts, CredentialFacts } from '../base/store-facts.js';
import { toS3Failure } from './answer.js';
import type { S3Credentials } from './connection.js';
import type { S3Driver } from './s3-driver.js';

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
export async function askLifecycle(
  driver: S3Driver,
  signal?: AbortSignal,
): Promise<BucketFacts['lifecycle']> {
  const input = { Bucket: driver.bucket };
  try {
    const { Rules = [] } = await driver.connection.send(
      (sdk) => new sdk.GetBucketLifecycleConfigurationCommand(input),
      { signal },
    );
    const days = Rules.filter(({ Status }) => Status === 'Enabled')
      .filter(({ Filter, Prefix }) => covers(Filter?.Prefix ?? Filter?.And?.Prefix ?? Prefix ?? '', driver))
      .flatMap(({ AbortIncompleteMultipartUpload: rule }) => rule?.DaysAfterInitiation ?? []);
    if (days.length === 0) return { status: 'absent' };
    return { status: 'set', afterDays: days.reduce((a, b) => Math.min(a, b)) };
  } catch (error) {
    signal?.throwIfAborted();
    const isAbsent = toS3Failure(error).code === 'NoSuchLifecycleConfiguration';
    return { status: isAbsent ? 'absent' : 'unknown' };
  }
}

function covers(prefix: string, driver: S3Driver): boolean {
  return driver.toTarget('').Key.startsWith(prefix);
}
