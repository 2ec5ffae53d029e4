// How much of what was sent has become something: objects that are visible, parts that wait for their completion.

import { ListPartsCommand } from '@aws-sdk/client-s3';
import { listObjects, listOpenUploads } from './hashes.mjs';

export class ProgressMeter {
  /** `<upload id>/<part number>` of the parts whose bytes were sent; others were copied inside of the store. */
  #sentParts = new Set();
  #server;
  #proxy;

  constructor(server, proxy) {
    this.#server = server;
    this.#proxy = proxy;
  }

  /** To be called for each request. */
  onRequest({ operation, url }) {
    if (operation !== 'UploadPart') return;
    const { searchParams } = new URL(url, 'http://store');
    this.#sentParts.add(`${searchParams.get('uploadId')}/${searchParams.get('partNumber')}`);
  }

  /** Bytes of bodies that were sent and are neither visible nor wait as parts: they have been sent, or will be, once more. */
  async wastedBytes() {
    const sentBytes = this.#proxy.allBodyBytes;
    let usefulBytes = 0;
    for await (const { Size } of listObjects(this.#server, '')) usefulBytes += Size;
    for (const { Key, UploadId } of await listOpenUploads(this.#server)) {
      const { Parts = [] } = await this.#server.client.send(
        new ListPartsCommand({ Bucket: this.#server.bucket, Key, UploadId }),
      );
      for (const { PartNumber, Size } of Parts)
        if (this.#sentParts.has(`${UploadId}/${PartNumber}`)) usefulBytes += Size;
    }
    return sentBytes - usefulBytes;
  }
}
