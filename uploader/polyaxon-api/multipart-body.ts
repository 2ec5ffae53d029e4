/**
 * Builds the body of an upload to the streams service: one part `json`, one part `upload_file`.
 *
 * Source: haupt 2.16.1, `streams/endpoints/artifacts.py` (`handle_upload`); Django 5.2, `http/multipartparser.py`, for file names: it
 * resolves HTML entities, then drops everything up to a slash or backslash, and every character that Python cannot print.
 */

import { randomUUID } from 'node:crypto';
import type { StreamedBody } from '../base/http/transport.js';
import type { ApiBody } from './api-session.js';

export interface UploadTarget {
  /** The directory inside the run, without leading and trailing slashes; empty for the run itself. */
  readonly directory: string;
  readonly name: string;
  /** The artifacts store, if the cluster has several. */
  readonly connection: string | null;
  /** The file is an archive: the server extracts it into `directory`, which must not exist yet. */
  readonly isArchive?: boolean;
}

export function toMultipart(target: UploadTarget, file: Uint8Array | StreamedBody): ApiBody {
  const boundary = `polytrack-${randomUUID()}`;
  const { directory, name, connection, isArchive = false } = target;
  // `untar` is true by default, and with `overwrite` removes all files of the directory first. Never send both.
  const json = {
    untar: isArchive,
    path: directory,
    overwrite: !isArchive,
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

/** Encodes a file name in ASCII by RFC 5987, so that no proxy changes it. */
function encodeFileName(name: string): string {
  // Escape text that Django would read as an HTML entity.
  const protectedName = name.replace(/&(?=[#A-Za-z])/g, '&amp;');
  return encodeURIComponent(protectedName).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
