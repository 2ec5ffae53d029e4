/**
 * The body of an upload to the streams service: one part `json`, one part `upload_file`.
 *
 * Source: haupt 2.16.1, `streams/endpoints/artifacts.py` (`handle_upload`); Django 5.2, `http/multipartparser.py`, for what it does to file names:
 * HTML entities are resolved, then everything up to a slash or backslash and every character that Python does not print is dropped.
 */

import { randomUUID } from 'node:crypto';
import type { StreamedBody } from '../base/http/transport.js';
import type { ApiBody } from './api-session.js';

export interface UploadTarget {
  /** Inside the run, without slashes at its ends; empty is the run itself. */
  readonly directory: string;
  readonly name: string;
  /** The artifacts store, where there are several. */
  readonly connection: string | null;
}

export function toMultipart(target: UploadTarget, file: Uint8Array | StreamedBody): ApiBody {
  const boundary = `polytrack-${randomUUID()}`;
  const { directory, name, connection } = target;
  // `untar` is on by default, and with an empty path it empties the run; a file is never a tar here.
  const json = {
    untar: false,
    path: directory,
    overwrite: true,
    ...(connection === null ? {} : { connection }),
  };
  const head = Buffer.from(
    [
      `--${boundary}`,
      'Content-Disposition: form-data; name="json"',
      '',
      JSON.stringify(json),
      `--${boundary}`,
      `Content-Disposition: form-data; name="upload_file"; filename*=UTF-8''${encodeFileName(name)}`,
      'Content-Type: text/plain',
      '',
      '',
    ].join('\r\n'),
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const fileBytes = 'chunks' in file ? file.sizeBytes : file.length;
  const sizeBytes = head.length + fileBytes + tail.length;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    sizeBytes,
    open: () =>
      'chunks' in file
        ? { sizeBytes, chunks: () => surround(head, file.chunks(), tail) }
        : Buffer.concat([head, file, tail]),
  };
}

async function* surround(
  head: Uint8Array,
  chunks: AsyncIterable<Uint8Array>,
  tail: Uint8Array,
): AsyncGenerator<Uint8Array> {
  yield head;
  yield* chunks;
  yield tail;
}

/** RFC 5987: in ASCII, so that nothing between here and there has an opinion about it. */
function encodeFileName(name: string): string {
  // What would be read as an HTML entity is made one that gives it back.
  const protectedName = name.replace(/&(?=[#A-Za-z])/g, '&amp;');
  return encodeURIComponent(protectedName).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
