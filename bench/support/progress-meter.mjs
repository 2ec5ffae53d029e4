// How much of what was sent has become something: objects that are visible, parts that wait for their completion.

import { ListPartsCommand } from '@aws-sdk/client-s3';
import { toKey } from './counting-proxy.mjs';
import { listObjects, listOpenUploads } from './hashes.mjs';

const MAX_ASKED = 60;

export class ProgressMeter {
  /** `<upload id>/<part number>` of the parts whose bytes were sent; others were copied inside of the store. */
  #sentParts = new Set();
  /** By key of the object (with its bucket): the upload that was worked on last. The next process goes on with that one. */
  #current = new Map();
  /** By key of the object: what was asked for of it, in order. */
  #asked = new Map();
  #server;
  #proxy;

  constructor(server, proxy) {
    this.#server = server;
    this.#proxy = proxy;
  }

  /** To be called for each request. */
  onRequest({ operation, url }) {
    const key = toKey(url);
    this.#asked.set(key, [...(this.#asked.get(key) ?? []).slice(1 - MAX_ASKED), operation]);
    const { searchParams } = new URL(url, 'http://store');
    const uploadId = searchParams.get('uploadId');
    if (uploadId !== null && operation !== 'AbortMultipartUpload') this.#current.set(key, uploadId);
    if (operation === 'UploadPart') this.#sentParts.add(`${uploadId}/${searchParams.get('partNumber')}`);
  }

  /** Bytes of bodies that were sent and are neither visible nor wait as parts: they have been sent, or will be, once more. */
  async wastedBytes() {
    return [...(await this.wastedByKey()).values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  async wastedByKey() {
    const wasted = new Map(this.#proxy.bodyBytes);
    const use = (key, bytes) => wasted.set(this.#toName(key), (wasted.get(this.#toName(key)) ?? 0) - bytes);
    for await (const { Key, Size } of listObjects(this.#server, '')) use(Key, Size);
    for (const { Key, UploadId } of await listOpenUploads(this.#server)) {
      // A part that came late has brought back an upload that is over.
      if (this.#current.get(this.#toName(Key)) !== UploadId) continue;
      const { Parts = [] } = await this.#server.client.send(
        new ListPartsCommand({ Bucket: this.#server.bucket, Key, UploadId }),
      );
      for (const { PartNumber, Size } of Parts)
        if (this.#sentParts.has(`${UploadId}/${PartNumber}`)) use(Key, Size);
    }
    return wasted;
  }

  /** The last operations that were asked for of an object of `wastedByKey`. */
  asked(name) {
    return this.#asked.get(name) ?? [];
  }

  #toName(key) {
    return `${this.#server.bucket}/${key}`;
  }
}
