// Parses the requests of one HTTP/1.1 connection from the bytes that a client sends.

const MAX_HEAD_BYTES = 64 * 1024;

export class RequestFollower {
  #onRequest;
  #onBody;
  #request;
  #head = Buffer.alloc(0);
  /** Remaining bytes of the body, or of the current chunk of a chunked body with its line end. */
  #left = 0;
  #isChunked = false;
  #isInTrailer = false;

  /** Calls `onRequest(request)` for each head, and `onBody(request, bytes)` for each piece of its body, including framing. */
  constructor({ onRequest, onBody = () => undefined }) {
    this.#onRequest = onRequest;
    this.#onBody = onBody;
  }

  push(chunk) {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, rest.length);
        this.#left -= taken;
        this.#onBody(this.#request, taken);
        rest = rest.subarray(taken);
      } else if (this.#isChunked) rest = this.#takeChunkLine(rest);
      else rest = this.#takeHead(rest);
    }
  }

  #takeHead(bytes) {
    const known = this.#head.length;
    this.#head = Buffer.concat([this.#head, bytes]);
    const end = this.#head.indexOf('\r\n\r\n', Math.max(0, known - 3));
    if (end < 0) {
      if (this.#head.length > MAX_HEAD_BYTES) throw new Error('found no HTTP/1.1 request head');
      return Buffer.alloc(0);
    }
    this.#request = parseHead(this.#head.toString('latin1', 0, end));
    const rest = this.#head.subarray(end + 4);
    this.#head = Buffer.alloc(0);
    const { headers } = this.#request;
    this.#isChunked = /chunked/i.test(headers['transfer-encoding'] ?? '');
    this.#left = this.#isChunked ? 0 : Number(headers['content-length'] ?? 0);
    this.#onRequest(this.#request);
    return rest;
  }

  #takeChunkLine(bytes) {
    this.#head = Buffer.concat([this.#head, bytes]);
    const end = this.#head.indexOf('\r\n');
    if (end < 0) return Buffer.alloc(0);
    const line = this.#head.toString('latin1', 0, end);
    const rest = this.#head.subarray(end + 2);
    this.#head = Buffer.alloc(0);
    this.#onBody(this.#request, end + 2);
    if (this.#isInTrailer) {
      if (line === '') this.#isInTrailer = this.#isChunked = false;
      return rest;
    }
    const sizeBytes = Number.parseInt(line, 16);
    if (sizeBytes === 0) this.#isInTrailer = true;
    else this.#left = sizeBytes + 2;
    return rest;
  }
}

function parseHead(text) {
  const [first = '', ...lines] = text.split('\r\n');
  const [method = '', url = ''] = first.split(' ');
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { method, url, headers, operation: toOperation(method, url, headers) };
}

/** Returns the operation of Amazon's S3 API. */
export function toOperation(method, url, headers) {
  const { searchParams, pathname } = new URL(url, 'http://store');
  const has = (name) => searchParams.has(name);
  switch (method) {
    case 'POST':
      return has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
    case 'PUT':
      if (!has('partNumber')) return 'PutObject';
      return headers['x-amz-copy-source'] === undefined ? 'UploadPart' : 'UploadPartCopy';
    case 'DELETE':
      return has('uploadId') ? 'AbortMultipartUpload' : 'DeleteObject';
    case 'HEAD':
      return 'HeadObject';
    default:
      if (has('uploadId')) return 'ListParts';
      return has('list-type') || has('uploads') || pathname.split('/').length <= 2 ? 'List' : 'GetObject';
  }
}
