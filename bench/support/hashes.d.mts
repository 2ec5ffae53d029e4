import type { _Object, MultipartUpload, S3Client } from '@aws-sdk/client-s3';

export interface BucketPlace {
  readonly client: S3Client;
  readonly bucket: string;
}

/** What the uploader leaves out on purpose: names that it keeps for itself, and what is not finished. */
export function isLeftOut(path: string): boolean;
export function hashTree(directory: string): Promise<Record<string, string>>;
export function hashObjects(place: BucketPlace, prefix: string): Promise<Record<string, string>>;
export function listObjects(place: BucketPlace, prefix: string): AsyncIterable<_Object>;
export function listOpenUploads(place: BucketPlace): Promise<MultipartUpload[]>;
/** What differs between the two, as sentences. */
export function compareHashes(
  onDisk: Readonly<Record<string, string>>,
  inStore: Readonly<Record<string, string>>,
): string[];
