// Measures how many of the sent bytes became visible objects or parts of open uploads.

import { ListPartsCommand } from '@aws-sdk/client-s3';
import { toKey } from './counting-proxy.mjs';
import { listObjects, listOpenUploads } from './hashes.mjs';

const MAX_ASKED = 60;

export class ProgressMeter {
  /** `<upload id>/<part number>` of the parts whose bytes were sent; other parts were copied inside the store. */
  #sentParts = new Set();
  /** By object key (with its bucket): the upload that was used last, which the next process resumes. */
  #current = new Map();
  /** By object key: its operations, in order. */
  #asked = new Map();
  #server;
  #proxy;

  constructor(server, proxy) {
    this.#server = server;
    this.#proxy = proxy;
  }

  /** Must be called for each request. */
  onRequest({ operation, url }) {
    const key = toKey(url);
    this.#asked.set(key, [...(this.#asked.get(key) ?? []).slice(1 - MAX_ASKED), operation]);
    const { searchParams } = new URL(url, 'http://store');
    const uploadId = searchParams.get('uploadId');
    if (uploadId !== null && operation !== 'AbortMultipartUpload') this.#current.set(key, uploadId);
    if (operation === 'UploadPart') this.#sentParts.add(`${uploadId}/${searchParams.get('partNumber')}`);
  }

  /** Sent bytes that are neither in a visible object nor in a part of an open upload, so that they have to be sent again. */
  async wastedBytes() {
    return [...(await this.wastedByKey()).values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  async wastedByKey() {
    const wasted = new Map(this.#proxy.bodyBytes);
    const use = (key, bytes) => wasted.set(this.#toName(key), (wasted.get(this.#toName(key)) ?? 0) - bytes);
    for await (const { Key, Size } of listObjects(this.#server, '')) use(Key, Size);
    for (const { Key, UploadId } of await listOpenUploads(this.#server)) {
      // A late part has recreated an upload that had already ended.
      if (this.#current.get(this.#toName(Key)) !== UploadId) continue;
      const { Parts = [] } = await this.#server.client.send(
        new ListPartsCommand({ Bucket: this.#server.bucket, Key, UploadId }),
      );
      for (const { PartNumber, Size } of Parts)
        if (this.#sentParts.has(`${UploadId}/${PartNumber}`)) use(Key, Size);
    }
    return wasted;
  }

  /** Returns the last operations on an object of `wastedByKey`. */
  asked(name) {
    return this.#asked.get(name) ?? [];
  }

  #toName(key) {
    return `${this.#server.bucket}/${key}`;
  }
}
