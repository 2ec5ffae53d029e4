/**
 * HTTP, as an argument: how one request gets to a server and what comes back, nothing of Polyaxon. Tests and simulators stand in for it.
 */

import type { Readable } from 'node:stream';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody | undefined;
  /** No byte in either direction for longer than this is a failure. */
  readonly silenceMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface StreamedBody {
  readonly sizeBytes: number;
  /** Opened once. */
  readonly chunks: () => AsyncIterable<Uint8Array>;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Has to be read to its end, or destroyed, or the connection is lost for other requests. */
  readonly body: Readable;
}

export interface Transport {
  /** One request, one answer, whatever its status. Follows no redirect. Rejects when there is no answer. */
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

export interface TlsSettings {
  /** Bytes in PEM. Together with `isDefaultTrusted` false: nothing else is trusted. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** False: any certificate is taken, so that anybody on the way can read the token. */
  readonly isVerified: boolean;
  /** False: a certificate for another host is taken. */
  readonly isHostnameVerified: boolean;
}

export interface ProxySettings {
  readonly http?: string | undefined;
  readonly https?: string | undefined;
  /** Hosts that are asked directly, with commas between them. */
  readonly none?: string | undefined;
}
