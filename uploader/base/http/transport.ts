/** The interface for HTTP requests, so that tests and simulators can replace the network. */

import type { Readable } from 'node:stream';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | StreamedBody | undefined;
  /** The request fails if no byte is sent or received for this long. */
  readonly silenceMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface StreamedBody {
  readonly sizeBytes: number;
  /** Called once. */
  readonly chunks: () => AsyncIterable<Uint8Array>;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The caller reads it to the end or destroys it; otherwise no other request can use the connection. */
  readonly body: Readable;
}

export interface Transport {
  /** Sends one request and resolves to the response, whatever its status. Follows no redirects. Rejects if no response arrives. */
  send(request: HttpRequest): Promise<HttpResponse>;
  close(): Promise<void>;
}

export interface TlsSettings {
  /** In PEM. Trusted in addition to the authorities that Node.js trusts. */
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** False: any certificate is accepted, so that an attacker on the network can read the token. */
  readonly isVerified: boolean;
  /** False: a certificate for another host is accepted. */
  readonly isHostnameVerified: boolean;
}

export interface ProxySettings {
  readonly http?: string | undefined;
  readonly https?: string | undefined;
  /** Hosts to connect to directly, separated by commas. */
  readonly none?: string | undefined;
}
