// The optional headers and operations of S3 that a store may reject. Each row names one, and tells whether a request has it.

const has =
  (name) =>
  ({ headers }) =>
    headers[name] !== undefined;
const isPut = ({ method, url }) => method === 'PUT' && !url.includes('partNumber=');
const isPart = ({ method, url }) => method === 'PUT' && url.includes('partNumber=');
const isCreate = ({ method, url }) => method === 'POST' && /[?&]uploads/.test(url);
const isComplete = ({ method, url }) => method === 'POST' && url.includes('uploadId=');
const isCopy = has('x-amz-copy-source');
const both = (first, second) => (request) => first(request) && second(request);
const anyOf =
  (...names) =>
  ({ headers }) =>
    names.some((name) => headers[name] !== undefined);
const hasMetadata = ({ headers }) => Object.keys(headers).some((name) => name.startsWith('x-amz-meta-'));

export const REJECTIONS = [
  {
    name: 'checksum of PUT',
    status: 400,
    code: 'InvalidArgument',
    isIn: both(isPut, has('x-amz-checksum-crc32')),
  },
  { name: 'metadata of PUT', status: 400, code: 'InvalidRequest', isIn: both(isPut, hasMetadata) },
  {
    name: 'If-None-Match of PUT',
    status: 501,
    code: 'NotImplemented',
    isIn: both(isPut, has('if-none-match')),
  },
  { name: 'If-Match of PUT', status: 403, code: 'AccessDenied', isIn: both(isPut, has('if-match')) },
  {
    name: 'checksum type of CreateMultipartUpload',
    status: 400,
    code: 'InvalidArgument',
    isIn: both(isCreate, anyOf('x-amz-checksum-algorithm', 'x-amz-checksum-type')),
  },
  {
    name: 'metadata of CreateMultipartUpload',
    status: 400,
    code: 'InvalidArgument',
    isIn: both(isCreate, hasMetadata),
  },
  {
    name: 'checksum of UploadPart',
    status: 400,
    code: 'InvalidRequest',
    isIn: both(isPart, has('x-amz-checksum-crc32')),
  },
  {
    name: 'checksum of CompleteMultipartUpload',
    status: 501,
    code: 'NotImplemented',
    isIn: both(isComplete, anyOf('x-amz-checksum-crc32', 'x-amz-checksum-type', 'x-amz-mp-object-size')),
  },
  {
    name: 'If-None-Match of CompleteMultipartUpload',
    status: 501,
    code: 'NotImplemented',
    isIn: both(isComplete, has('if-none-match')),
  },
  {
    name: 'If-Match of CompleteMultipartUpload',
    status: 501,
    code: 'NotImplemented',
    isIn: both(isComplete, has('if-match')),
  },
  {
    name: 'checksum mode of HEAD',
    status: 400,
    code: '',
    isIn: both(({ method }) => method === 'HEAD', has('x-amz-checksum-mode')),
  },
  { name: 'UploadPartCopy', status: 501, code: 'NotImplemented', isIn: isCopy },
  {
    name: 'ranges of UploadPartCopy',
    status: 400,
    code: 'InvalidArgument',
    isIn: has('x-amz-copy-source-range'),
  },
  {
    name: 'ListMultipartUploads',
    status: 501,
    code: 'NotImplemented',
    isIn: ({ method, url }) => method === 'GET' && /[?&]uploads/.test(url),
  },
  {
    name: 'ListParts',
    status: 501,
    code: 'NotImplemented',
    isIn: ({ method, url }) => method === 'GET' && url.includes('uploadId='),
  },
  {
    name: 'AbortMultipartUpload',
    status: 403,
    code: 'AccessDenied',
    isIn: ({ method, url }) => method === 'DELETE' && url.includes('uploadId='),
  },
  {
    name: 'GetBucketVersioning',
    status: 500,
    code: 'InternalError',
    isIn: ({ method, url }) => method === 'GET' && /[?&]versioning/.test(url),
  },
  {
    name: 'start-after of ListObjectsV2',
    status: 400,
    code: 'InvalidArgument',
    isIn: ({ url }) => url.includes('start-after='),
  },
  { name: 'multipart uploads', status: 405, code: 'MethodNotAllowed', isIn: isCreate },
];

/** The body of an error response. */
export function toErrorBody(code) {
  return code === ''
    ? ''
    : `<?xml version="1.0"?><Error><Code>${code}</Code><Message>rejected</Message></Error>`;
}
