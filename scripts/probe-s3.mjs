// Tests what an S3 server supports: node scripts/probe-s3.mjs <endpoint> <access key id> <secret access key>
// Prints one line for each capability that the uploader can use.

import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';

const [endpoint, accessKeyId, secretAccessKey] = process.argv.slice(2);
const client = new S3Client({
  endpoint,
  region: 'us-east-1',
  forcePathStyle: true,
  maxAttempts: 1,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  credentials: { accessKeyId, secretAccessKey },
});
const Bucket = `probe-${randomBytes(4).toString('hex')}`;
const MIB = 1024 * 1024;
const toCrc = (...buffers) => {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(buffers.reduce((crc, bytes) => crc32(bytes, crc), 0));
  return out.toString('base64');
};
const send = (command) => client.send(command);
const put = (Key, Body, more = {}) => send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const head = (Key) => send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));

/** Returns the status and error name of a rejected request; throws if the request was accepted. */
async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return `${error.$metadata?.httpStatusCode} ${error.name}`;
  }
  throw new Error('accepted, expected a rejection');
}

/** Runs a multipart upload; `copyFrom` makes the first part a server-side copy. */
async function multipart(Key, parts, { copyFrom, whole, partCrcs = true, complete = {}, copy = {} } = {}) {
  const checksums = { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' };
  const { UploadId } = await send(
    new CreateMultipartUploadCommand({ Bucket, Key, ...checksums, Metadata: { 'plx-commit': 'c1' } }),
  );
  const target = { Bucket, Key, UploadId };
  try {
    const Parts = [];
    for (const [index, Body] of parts.entries()) {
      const PartNumber = index + 1;
      if (index === 0 && copyFrom !== undefined) {
        const { CopyPartResult } = await send(
          new UploadPartCopyCommand({
            ...target,
            PartNumber,
            CopySource: `${Bucket}/${copyFrom}`,
            CopySourceRange: `bytes=0-${Body.length - 1}`,
            ...copy,
          }),
        );
        Parts.push({ PartNumber, ETag: CopyPartResult.ETag, ChecksumCRC32: CopyPartResult.ChecksumCRC32 });
      } else {
        const ChecksumCRC32 = partCrcs ? toCrc(Body) : undefined;
        const { ETag } = await send(new UploadPartCommand({ ...target, PartNumber, Body, ChecksumCRC32 }));
        Parts.push({ PartNumber, ETag, ChecksumCRC32 });
      }
    }
    const ChecksumCRC32 = whole ?? toCrc(...parts);
    await send(
      new CompleteMultipartUploadCommand({
        ...target,
        MultipartUpload: { Parts },
        ChecksumCRC32,
        ChecksumType: 'FULL_OBJECT',
        ...complete,
      }),
    );
  } catch (error) {
    await send(new AbortMultipartUploadCommand(target)).catch(() => 'the upload may already have ended');
    throw error;
  }
}

async function expectContent(Key, content) {
  const { Body } = await send(new GetObjectCommand({ Bucket, Key }));
  const bytes = Buffer.from(await Body.transformToByteArray());
  if (Buffer.compare(bytes, content) !== 0)
    throw new Error(`content differs: ${bytes.length} B, expected ${content.length} B`);
}

const big = randomBytes(6 * MIB);
const tail = randomBytes(1000);
const small = Buffer.from('hello');
const PROBES = {
  'PUT with CRC32, read back by HEAD': async () => {
    await put('a', small, { ChecksumCRC32: toCrc(small) });
    const { ChecksumCRC32, ContentLength } = await head('a');
    if (ChecksumCRC32 !== toCrc(small)) throw new Error(`HEAD gives ${ChecksumCRC32} for ${ContentLength} B`);
  },
  'PUT with a wrong CRC32 is rejected': () => refusal(put('bad', small, { ChecksumCRC32: toCrc(tail) })),
  'user metadata': async () => {
    await put('m', small, { Metadata: { 'plx-commit': 'abc' } });
    const { Metadata } = await head('m');
    if (Metadata?.['plx-commit'] !== 'abc') throw new Error(JSON.stringify(Metadata));
  },
  'PUT If-None-Match: * on an existing key is rejected': () => refusal(put('a', small, { IfNoneMatch: '*' })),
  'PUT If-Match with the right ETag': async () =>
    void (await put('a', small, { IfMatch: (await head('a')).ETag })),
  'PUT If-Match with a wrong ETag is rejected': () =>
    refusal(put('a', small, { IfMatch: '"00000000000000000000000000000000"' })),
  'multipart with full-object CRC32, read back by HEAD': async () => {
    await multipart('b', [big, tail]);
    await expectContent('b', Buffer.concat([big, tail]));
    const { ChecksumCRC32, ChecksumType } = await head('b');
    if (ChecksumCRC32 !== toCrc(big, tail)) throw new Error(`HEAD gives ${ChecksumCRC32} ${ChecksumType}`);
    return ChecksumType;
  },
  'multipart with a wrong full-object CRC32 is rejected': () =>
    refusal(multipart('bad', [big, tail], { whole: toCrc(small) })),
  'multipart with a wrong part CRC32 is rejected': () =>
    refusal(
      (async () => {
        const { UploadId } = await send(
          new CreateMultipartUploadCommand({
            Bucket,
            Key: 'bad',
            ChecksumAlgorithm: 'CRC32',
            ChecksumType: 'FULL_OBJECT',
          }),
        );
        await send(
          new UploadPartCommand({
            Bucket,
            Key: 'bad',
            UploadId,
            PartNumber: 1,
            Body: big,
            ChecksumCRC32: toCrc(small),
          }),
        );
      })(),
    ),
  'append: copied part with range + tail, full-object CRC32': async () => {
    const base = Buffer.concat([big, tail]);
    await multipart('b', [base, small], { copyFrom: 'b' });
    await expectContent('b', Buffer.concat([base, small]));
    const { ChecksumCRC32, ChecksumType } = await head('b');
    if (ChecksumCRC32 !== toCrc(base, small)) throw new Error(`HEAD gives ${ChecksumCRC32} ${ChecksumType}`);
  },
  'append with a wrong full-object CRC32 is rejected': () =>
    refusal(multipart('b', [big, small], { copyFrom: 'b', whole: toCrc(tail) })),
  'copied part: source If-Match with a wrong ETag is rejected': () =>
    refusal(
      multipart('b', [big, small], {
        copyFrom: 'b',
        copy: { CopySourceIfMatch: '"00000000000000000000000000000000"' },
      }),
    ),
  'copied part: source If-Match with the ETag of a multipart object': async () => {
    const base = Buffer.concat([big, tail, small]);
    await multipart('b2', [base, small], {
      copyFrom: 'b',
      copy: { CopySourceIfMatch: (await head('b')).ETag },
    });
  },
  'copied part from a range of the source, full-object CRC32': () =>
    multipart('b3', [big, small], { copyFrom: 'b' }),
  'the same, from a source uploaded with one PUT': async () => {
    await put('one', Buffer.concat([big, tail]), { ChecksumCRC32: toCrc(big, tail) });
    await multipart('b4', [big, small], { copyFrom: 'one' });
  },
  'the same, from a source without a checksum': async () => {
    await put('plain', Buffer.concat([big, tail]));
    await multipart('b5', [big, small], { copyFrom: 'plain' });
  },
  'complete If-None-Match: * on an existing key is rejected': () =>
    refusal(multipart('b', [big, small], { complete: { IfNoneMatch: '*' } })),
  'complete If-Match with the right ETag': async () =>
    multipart('b', [big, small], { complete: { IfMatch: (await head('b')).ETag } }),
  'complete If-Match with a wrong ETag is rejected': () =>
    refusal(multipart('b', [big, small], { complete: { IfMatch: '"00000000000000000000000000000000"' } })),
  'complete with a wrong MpuObjectSize is rejected': () =>
    refusal(multipart('bad', [big, small], { complete: { MpuObjectSize: 5 } })),
  'a first part below 5 MiB is rejected': () => refusal(multipart('bad', [small, small])),
  'parts of unequal size': () => multipart('c', [big, randomBytes(5 * MIB), tail]),
  'ListParts and ListMultipartUploads': async () => {
    const { UploadId } = await send(new CreateMultipartUploadCommand({ Bucket, Key: 'open' }));
    await send(new UploadPartCommand({ Bucket, Key: 'open', UploadId, PartNumber: 1, Body: small }));
    const { Parts } = await send(new ListPartsCommand({ Bucket, Key: 'open', UploadId }));
    const { Uploads } = await send(new ListMultipartUploadsCommand({ Bucket }));
    if (Parts?.length !== 1 || !Uploads?.some((upload) => upload.UploadId === UploadId))
      throw new Error('not listed');
    await send(new AbortMultipartUploadCommand({ Bucket, Key: 'open', UploadId }));
    const after = await send(new ListMultipartUploadsCommand({ Bucket }));
    if (after.Uploads?.some((upload) => upload.UploadId === UploadId))
      throw new Error('still listed after abort');
  },
  'GET of a range; 416 past the end': async () => {
    const { Body } = await send(new GetObjectCommand({ Bucket, Key: 'a', Range: 'bytes=1-2' }));
    if ((await Body.transformToString()) !== 'el') throw new Error('wrong range');
    return refusal(send(new GetObjectCommand({ Bucket, Key: 'a', Range: 'bytes=100-' })));
  },
  'streamed body with the SDK’s default checksums': async () => {
    const streaming = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    await streaming.send(new PutObjectCommand({ Bucket, Key: 's', Body: big }));
    await expectContent('s', big);
    streaming.destroy();
  },
  'keys with spaces, %, newline and Unicode': async () => {
    for (const Key of ['a b/%41+c', 'ü/日本 🎉', 'new\nline']) {
      await put(Key, small);
      await expectContent(Key, small);
    }
  },
};

await send(new CreateBucketCommand({ Bucket }));
for (const [name, probe] of Object.entries(PROBES)) {
  const answer = await probe().then(
    (detail) => `yes${detail ? ` (${detail})` : ''}`,
    (error) => `NO (${error.$metadata?.httpStatusCode ?? ''} ${error.name}: ${error.message.slice(0, 100)})`,
  );
  console.log(`${name.padEnd(68)} ${answer}`);
}
client.destroy();
