// Counts, from the requests on the wire, how many body bytes a client sends for each byte by which a large object grows.

export class AmplificationCounter {
  #thresholdBytes;
  /** By key of the object. */
  #objects = new Map();
  /** By upload id: the bytes of each part. */
  #uploads = new Map();

  constructor(thresholdBytes) {
    this.#thresholdBytes = thresholdBytes;
  }

  /** Must be called for each request, in order. Assumes that requests succeed; a repeated commit changes no size. */
  onRequest({ operation, url, headers }) {
    const { pathname, searchParams } = new URL(url, 'http://store');
    const key = decodeURIComponent(pathname.slice(1));
    const uploadId = searchParams.get('uploadId');
    const bodyBytes = Number(headers['x-amz-decoded-content-length'] ?? headers['content-length'] ?? 0);
    if (operation === 'PutObject') {
      this.#countBody(key, bodyBytes);
      this.#setSize(key, bodyBytes);
    } else if (operation === 'UploadPart') {
      this.#countBody(key, bodyBytes);
      this.#partsOf(uploadId).set(searchParams.get('partNumber'), bodyBytes);
    } else if (operation === 'UploadPartCopy') {
      const [, start, end] = /bytes=(\d+)-(\d+)/.exec(headers['x-amz-copy-source-range'] ?? '') ?? [];
      const copied = start === undefined ? this.#object(key).sizeBytes : Number(end) - Number(start) + 1;
      this.#partsOf(uploadId).set(searchParams.get('partNumber'), copied);
    } else if (operation === 'CompleteMultipartUpload') {
      const parts = [...this.#partsOf(uploadId).values()];
      this.#setSize(
        key,
        parts.reduce((sum, bytes) => sum + bytes, 0),
      );
    }
  }

  /** Bytes sent for the objects above the threshold, and bytes by which they grew, both counted from the threshold on. */
  get figures() {
    const grown = [...this.#objects.values()].filter(({ largeSince }) => largeSince !== undefined);
    return {
      sentBytes: grown.reduce((sum, { largeBodyBytes }) => sum + largeBodyBytes, 0),
      grownBytes: grown.reduce((sum, { sizeBytes, largeSince }) => sum + sizeBytes - largeSince, 0),
    };
  }

  /** Sizes of an object, in order of time. */
  sizesOf(key) {
    return this.#object(key).sizes;
  }

  #countBody(key, bytes) {
    const object = this.#object(key);
    if (object.largeSince !== undefined) object.largeBodyBytes += bytes;
  }

  #setSize(key, bytes) {
    const object = this.#object(key);
    object.sizeBytes = bytes;
    if (object.sizes.at(-1) !== bytes) object.sizes.push(bytes);
    if (bytes >= this.#thresholdBytes) object.largeSince ??= bytes;
  }

  #object(key) {
    const known = this.#objects.get(key);
    if (known !== undefined) return known;
    const object = { sizeBytes: 0, sizes: [], largeSince: undefined, largeBodyBytes: 0 };
    this.#objects.set(key, object);
    return object;
  }

  #partsOf(uploadId) {
    const parts = this.#uploads.get(uploadId) ?? new Map();
    this.#uploads.set(uploadId, parts);
    return parts;
  }
}
