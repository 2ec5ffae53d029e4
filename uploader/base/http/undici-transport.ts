/** Sends requests with undici, which, unlike the built-in fetch, accepts certificates and proxies as options. Loaded on first use. */

import { Readable } from 'node:stream';
import { rootCertificates } from 'node:tls';
import type { Dispatcher } from 'undici';
import { findProxy } from './find-proxy.js';
import { toProxyError } from './proxy-error.js';
import type {
  HttpRequest,
  HttpResponse,
  ProxySettings,
  StreamedBody,
  TlsSettings,
  Transport,
} from './transport.js';

interface UndiciTransportOptions {
  readonly tls: TlsSettings;
  readonly proxies: ProxySettings;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** Shorter than the 5 s after which uvicorn closes an idle connection, so that no request uses a connection that is being closed. */
const KEEP_ALIVE_MS = 3_000;

export function createUndiciTransport(options: UndiciTransportOptions): Transport {
  return new UndiciTransport(options);
}

class UndiciTransport implements Transport {
  readonly #options: UndiciTransportOptions;
  /** Keyed by proxy; the empty string means no proxy. */
  readonly #agents = new Map<string, Dispatcher>();

  constructor(options: UndiciTransportOptions) {
    this.#options = options;
  }

  async send({ method, url, headers, body, silenceMs, signal }: HttpRequest): Promise<HttpResponse> {
    const undici = await import('undici');
    const sizeBytes = body === undefined || isStreamed(body) ? body?.sizeBytes : body.length;
    const proxy = findProxy(url, this.#options.proxies);
    const sent = undici.request(url, {
      method,
      headers: { ...headers, ...(sizeBytes === undefined ? {} : { 'content-length': String(sizeBytes) }) },
      body: toBody(body),
      headersTimeout: silenceMs,
      bodyTimeout: silenceMs,
      dispatcher: this.#agentFor(undici, proxy ?? ''),
      ...(signal === undefined ? {} : { signal }),
    });
    const answer = await sent.catch((cause: unknown) => {
      throw proxy === null || signal?.aborted === true ? cause : toProxyError(proxy, cause);
    });
    // The reader of the body sees its failure. A body that is abandoned also fails; that failure is ignored.
    answer.body.on('error', () => undefined);
    const found = Object.entries(answer.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]);
    return { status: answer.statusCode, headers: Object.fromEntries(found), body: answer.body };
  }

  async close(): Promise<void> {
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(agents.map((agent) => agent.destroy()));
  }

  #agentFor(undici: typeof import('undici'), proxy: string): Dispatcher {
    const known = this.#agents.get(proxy);
    if (known !== undefined) return known;
    const tls = toTlsOptions(this.#options.tls);
    const common = { keepAliveTimeout: KEEP_ALIVE_MS, keepAliveMaxTimeout: KEEP_ALIVE_MS };
    const connect = { ...tls, timeout: CONNECT_TIMEOUT_MS };
    const agent =
      proxy === ''
        ? new undici.Agent({ ...common, connect })
        : // Use a tunnel for https only: few proxies open one to port 80.
          new undici.ProxyAgent({ ...common, uri: proxy, requestTls: tls, proxyTunnel: false });
    this.#agents.set(proxy, agent);
    return agent;
  }
}

function toBody(body: HttpRequest['body']): Uint8Array | Readable | null {
  if (body === undefined) return null;
  return isStreamed(body) ? Readable.from(body.chunks(), { objectMode: false }) : body;
}

function isStreamed(body: Uint8Array | StreamedBody): body is StreamedBody {
  return 'chunks' in body;
}

function toTlsOptions({ ca, cert, key, isVerified, isHostnameVerified }: TlsSettings) {
  return {
    rejectUnauthorized: isVerified,
    // `ca` replaces the authorities that Node.js trusts, but a company's authority is usually meant to be added to them.
    ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(isHostnameVerified ? {} : { checkServerIdentity: () => undefined }),
  };
}
