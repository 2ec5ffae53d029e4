/** How objects are stored: encryption, storage class, access and tags. Sent with every object that polytrack writes. */

import type { PutObjectCommandInput } from '@aws-sdk/client-s3';
import { ConfigError } from '../../base/errors.js';
import type { S3WriteOptions } from './options.js';

/** The fields of `PutObject` and `CreateMultipartUpload`, with the headers that they become. */
export const WRITE_HEADERS = {
  ServerSideEncryption: 'x-amz-server-side-encryption',
  SSEKMSKeyId: 'x-amz-server-side-encryption-aws-kms-key-id',
  StorageClass: 'x-amz-storage-class',
  ACL: 'x-amz-acl',
  Tagging: 'x-amz-tagging',
} as const;

export type WriteFields = Readonly<Pick<PutObjectCommandInput, keyof typeof WRITE_HEADERS>>;

/** Objects of these classes must be restored before they can be read, which takes minutes to days. Source: Amazon S3 User Guide, "Archived objects". */
const ARCHIVES = ['GLACIER', 'DEEP_ARCHIVE'];
const MAX_TAGS = 10;

/** Returns the fields of a write. Throws `ConfigError` for options that cannot work. */
export function writeFields({
  sse,
  kmsKey,
  storageClass,
  acl,
  objectTags = {},
}: S3WriteOptions): WriteFields {
  if (ARCHIVES.includes(storageClass?.toUpperCase() ?? ''))
    throw new ConfigError(
      `storageClass: objects of the class ${storageClass} cannot be read back at once`,
      'Use GLACIER_IR, STANDARD_IA or INTELLIGENT_TIERING, or move old objects with a lifecycle rule of the bucket.',
    );
  if (kmsKey !== undefined && sse?.startsWith('aws:kms') === false)
    throw new ConfigError(
      `kmsKey: has no meaning with the encryption ${sse}`,
      'Use aws:kms, or drop the key.',
    );
  const tags = Object.entries(objectTags);
  const isLong = ([name, value]: [string, string]): boolean =>
    name === '' || name.length > 128 || value.length > 256;
  if (tags.length > MAX_TAGS || tags.some(isLong))
    throw new ConfigError(
      'objectTags: S3 allows 10 tags, with names of 1 to 128 and values of up to 256 characters',
      'Use fewer or shorter tags.',
    );
  const fields = {
    ServerSideEncryption: sse ?? (kmsKey === undefined ? undefined : 'aws:kms'),
    SSEKMSKeyId: kmsKey,
    StorageClass: storageClass,
    ACL: acl,
    Tagging:
      tags.length === 0 ? undefined : tags.map((tag) => tag.map(encodeURIComponent).join('=')).join('&'),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as WriteFields;
}
