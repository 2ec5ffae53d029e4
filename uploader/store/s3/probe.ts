/**
 * Finds out what an S3 bucket supports, with test objects below `.plx/probe/` that it removes: two small ones and one of 5 MiB.
 *
 * capabilities.ts explains what the results mean for commits.
 */

import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { StoreCapabilities } from '../base/capabilities.js';
import { toBase64Crc } from '../base/commit-metadata.js';
import { MAX_BASE_BYTES, MAX_OBJECT_BYTES, MAX_PART_BYTES, MIN_PART_BYTES } from '../base/part-planner.js';
import type { ProbeOutcome } from '../base/store.js';
import { type ProbePlace, S3ProbeObjects, toOther } from './probe-objects.js';

const WRONG_ETAG = '"00000000000000000000000000000000"';

export function probeBucket(place: ProbePlace, signal?: AbortSignal): Promise<ProbeOutcome> {
  const objects = new S3ProbeObjects(place, signal);
  return objects.probe(() => askAll(objects));
}

async function askAll(objects: S3ProbeObjects): Promise<StoreCapabilities> {
  const put = await askAboutPuts(objects);
  const multipart = await askAboutMultipart(objects, put.wholeObjectChecksum);
  const { canCopy, ...rest } = multipart;
  const isSafe = canCopy && rest.conditionalComplete && rest.multipartChecksum && rest.unevenParts;
  const maxBaseBytes = rest.rangeCopy ? MAX_BASE_BYTES : MAX_PART_BYTES;
  return {
    ...put,
    ...rest,
    rejectsWrongChecksum: put.rejectsWrongChecksum && multipart.rejectsWrongChecksum,
    append: isSafe ? { minBaseBytes: MIN_PART_BYTES, maxBaseBytes } : null,
    versioning: await objects.versioning(),
    maxObjectBytes: MAX_OBJECT_BYTES,
    foldsNames: false,
  };
}

async function askAboutPuts(objects: S3ProbeObjects) {
  const bytes = randomBytes(16);
  const ChecksumCRC32 = toBase64Crc(crc32(bytes));
  const other = toBase64Crc(toOther(crc32(bytes)));
  const checksumHeaders = await objects.takes('small', bytes, { ChecksumCRC32 });
  // Without the permission to write, end the probe.
  if (!checksumHeaders) await objects.require('small', bytes);
  const found = await objects.head('small');
  const isCreateRefused = !(await objects.takes('small', bytes, { IfNoneMatch: '*' }));
  const isCreateTaken = await objects.takes('new', bytes, { IfNoneMatch: '*' });
  const isReplaceRefused = !(await objects.takes('small', bytes, { IfMatch: WRONG_ETAG }));
  const isReplaceTaken = await objects.takes('small', bytes, { IfMatch: (await objects.head('small')).etag });
  return {
    checksumHeaders,
    conditionalCreate: isCreateRefused && isCreateTaken,
    conditionalReplace: isReplaceRefused && isReplaceTaken,
    rejectsWrongChecksum: !(await objects.takes('small', bytes, { ChecksumCRC32: other })),
    wholeObjectChecksum: found.crc32 === crc32(bytes),
    metadata: found.hasMetadata,
  };
}

/** Appends to an object several times, with a different kind of request each time. */
async function askAboutMultipart(objects: S3ProbeObjects, hasChecksums: boolean) {
  const base = randomBytes(MIN_PART_BYTES + 1);
  const start = base.subarray(0, MIN_PART_BYTES);
  const tail = randomBytes(1);
  await objects.require('large', base);
  const copied = [{ copy: base, of: 'large' }, { send: tail }];
  const canCopy = await objects.completes('other', copied, { isChecked: false });
  // Without copies, each test uploads the bytes instead.
  const first = canCopy ? { copy: base } : { send: base };

  const parts = [first, { send: tail }];
  const isWrongRefused = !(await objects.completes('large', parts, { isWrong: true }));
  const isPartRefused = !(await objects.takesPart('large', tail, toBase64Crc(toOther(crc32(tail)))));
  const isCreateRefused = !(await objects.completes('large', parts, { condition: { IfNoneMatch: '*' } }));
  const isReplaceRefused = !(await objects.completes('large', parts, { condition: { IfMatch: WRONG_ETAG } }));
  const isUntouched = (await objects.head('large')).sizeBytes === base.length;
  if (!isUntouched) await objects.require('large', base);
  const { etag } = await objects.head('large');
  const isReplaceTaken = await objects.completes('large', parts, { condition: { IfMatch: etag } });
  const grown = await objects.head('large');
  const isWhole = grown.crc32 === crc32(tail, crc32(base));

  // The object now consists of parts. Some stores cannot match the ETag of such objects.
  const now = isReplaceTaken ? Buffer.concat([base, tail]) : base;
  const again = canCopy ? { copy: now } : { send: base };
  const rangeCopy =
    canCopy && (await objects.completes('other', [{ copy: start, of: 'large' }, { send: tail }]));
  const second = rangeCopy ? { copy: start } : { send: start };
  const unevenParts = await objects.completes('large', [again, second, { send: tail }]);
  return {
    canCopy,
    rejectsWrongChecksum: isWrongRefused && isPartRefused,
    conditionalComplete: isUntouched && isCreateRefused && isReplaceRefused && isReplaceTaken,
    multipartChecksum: isReplaceTaken && isWrongRefused && (isWhole || !hasChecksums),
    rangeCopy,
    unevenParts,
    listMultipart: await objects.listsUploads('large'),
  };
}
