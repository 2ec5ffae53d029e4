import type { _Object, MultipartUpload, S3Client } from '@aws-sdk/client-s3';

export interface BucketPlace {
  readonly client: S3Client;
  readonly bucket: string;
}

/** Whether the uploader excludes this path: reserved names and temporary files. */
export function isLeftOut(path: string): boolean;
export function hashTree(directory: string): Promise<Record<string, string>>;
export function hashObjects(place: BucketPlace, prefix: string): Promise<Record<string, string>>;
export function listObjects(place: BucketPlace, prefix: string): AsyncIterable<_Object>;
export function listOpenUploads(place: BucketPlace): Promise<MultipartUpload[]>;
/** Returns the differences as sentences. */
export function compareHashes(
  onDisk: Readonly<Record<string, string>>,
  inStore: Readonly<Record<string, string>>,
): string[];
