/**
 * Sends requests through the proxies of the environment: `http:` to the proxy itself, `https:` through a tunnel (CONNECT).
 *
 * The SDK's own requests for credentials use the same handler, except those to the host itself and to the metadata service of a cloud.
 */

import http from 'node:http';
import https from 'node:https';
import type { Duplex, Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { findProxy } from '../../base/http/find-proxy.js';
import { toProxyError } from '../../base/http/proxy-error.js';
import type { ProxySettings } from '../../base/http/transport.js';

type Handler = S3Client['config']['requestHandler'];
type Request = Parameters<Handler['handle']>[0];

/** Answers that come from a proxy: S3 has no 407, and a server behind a proxy rarely has the others. */
const PROXY_STATUSES = [407, 502, 504];

/** Makes `handler`, whose agent for `https:` is a `TunnelAgent`, use the proxies for `http:`, and name them in errors. */
export function useProxies(handler: Handler, proxies: ProxySettings): void {
  if (proxies.http === undefined && proxies.https === undefined) return;
  const handle = handler.handle.bind(handler);
  handler.handle = async (request, options) => {
    const { protocol, hostname, port } = request;
    const proxy = findProxy(
      new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}`),
      proxies,
    );
    if (proxy === null) return handle(request, options);
    try {
      const answer = await handle(
        protocol === 'http:' ? toForwarded(request, new URL(proxy)) : request,
        options,
      );
      const { statusCode, body } = answer.response;
      if (!PROXY_STATUSES.includes(statusCode)) return answer;
      (body as Readable | undefined)?.resume();
      throw new ProxyAnswerError(statusCode);
    } catch (cause) {
      throw toProxyError(proxy, cause);
    }
  };
}

/** An agent for `https:` that opens a tunnel for each connection to a host with a proxy. */
export class TunnelAgent extends https.Agent {
  readonly #proxies: ProxySettings;
  readonly #connectMs: number;

  constructor(options: https.AgentOptions, proxies: ProxySettings, connectMs: number) {
    super(options);
    this.#proxies = proxies;
    this.#connectMs = connectMs;
  }

  override createConnection(
    options: http.ClientRequestArgs,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null | undefined {
    const target = `${options.host}:${options.port}`;
    const found = findProxy(new URL(`https://${target}`), this.#proxies);
    if (found === null) return super.createConnection(options, callback);
    const proxy = new URL(found);
    const { request } = proxy.protocol === 'https:' ? https : http;
    const headers = { host: target, ...toAuthorization(proxy) };
    const fail = (error: Error): void => callback?.(error, undefined as never);
    const ask = request({ ...toAddress(proxy), method: 'CONNECT', path: target, headers, agent: false });
    ask.setTimeout(this.#connectMs, () => ask.destroy(new ProxyTimeoutError(this.#connectMs)));
    ask.once('error', fail).once('connect', ({ statusCode = 0 }, socket) => {
      socket.setTimeout(0);
      if (statusCode === 200)
        return callback?.(null, super.createConnection({ ...options, socket } as never)!);
      socket.destroy();
      fail(new ProxyAnswerError(statusCode));
    });
    ask.end();
    return undefined;
  }
}

/** The request to the proxy itself, which names the server in its path. Source: RFC 9112 §3.2.2. */
function toForwarded(request: Request, proxy: URL): Request {
  const { hostname, port, path, headers } = request;
  const server = `${hostname}${port === undefined ? '' : `:${port}`}`;
  return {
    ...request,
    ...{
      protocol: proxy.protocol,
      hostname: proxy.hostname,
      port: proxy.port === '' ? undefined : Number(proxy.port),
    },
    path: `http://${server}${path}`,
    headers: { ...headers, host: headers.host ?? server, ...toAuthorization(proxy) },
  } as Request;
}

function toAddress({ hostname, port }: URL): { host: string; port: string | undefined } {
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? undefined : port };
}

function toAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}

class ProxyAnswerError extends Error {
  readonly $metadata: { readonly httpStatusCode: number };
  constructor(status: number) {
    super(`${status} ${http.STATUS_CODES[status] ?? ''}`.trim());
    this.$metadata = { httpStatusCode: status };
  }
}

class ProxyTimeoutError extends Error {
  override readonly name = 'TimeoutError';
  constructor(ms: number) {
    super(`no tunnel within ${ms} ms`);
  }
}
