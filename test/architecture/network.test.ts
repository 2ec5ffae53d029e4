/** Checks which code may open connections, talk to Polyaxon, and know of it. */

import { describe, expect, it } from 'vitest';
import { filesWith, sources } from './sources.js';

const NETWORK =
  /(?:from|import\() ?['"](?:node:)?(?:http|https|http2|net|tls|dgram|dns|undici)(?:\/\w+)?['"]|(?<![\w.#])(?:fetch|WebSocket|EventSource)\(/;
/** Paths of Polyaxon's API. */
const POLYAXON_PATH = /`\/(?:api|internal)\/|'streams',|['"`]\/?(?:api|streams)\/v1\b/;

/** What opens a connection or listens, or imports a module that can. */
const FILES: Readonly<Record<string, string>> = {
  'uploader/base/describe-failure.ts': 'names of HTTP statuses',
  'uploader/base/http/undici-transport.ts': 'all requests but those of SDKs',
  'uploader/base/io/listen.ts': 'makes a server listen',
  'uploader/data-server/grpc-server.ts': 'serves runs to TensorBoard',
  'uploader/engine/monitor/http-server.ts': 'serves health and metrics',
  'uploader/operations/run/program.ts': 'the type of a pipe',
  'uploader/operations/tensorboard/serve-tensorboard.ts': 'waits until the local TensorBoard answers',
  'uploader/store/s3/proxy.ts': "the proxy of the SDK's requests",
};

describe('the network', () => {
  it('is not reachable from src', () => {
    expect(filesWith(NETWORK).filter((file) => file.startsWith('src/'))).toEqual([]);
  });

  it('is reached by the listed files of the uploader only', () => {
    expect(filesWith(NETWORK).sort()).toEqual(Object.keys(FILES));
  });
});

describe('Polyaxon', () => {
  it('receives requests from its client and its store only', () => {
    const files = filesWith(POLYAXON_PATH);

    expect(files.length).toBeGreaterThan(0);
    expect(files.filter((file) => !/^uploader\/(?:polyaxon-api|store\/polyaxon)\//.test(file))).toEqual([]);
  });

  it('is not mentioned in src/format', () => {
    const isWord = (text: string): boolean => /polyaxon/i.test(text);

    expect([...sources].filter(([file, text]) => file.startsWith('src/format/') && isWord(text))).toEqual([]);
  });
});
