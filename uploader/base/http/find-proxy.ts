/** Selects the proxy for a request, by the rules that curl and Go share. Pure. */

import { ConfigError } from '../errors.js';
import type { ProxySettings } from './transport.js';

/** Reads `http_proxy`, `https_proxy` and `no_proxy`, in lower or upper case. Throws a `ConfigError` that does not repeat the URL, which may contain a password. */
export function proxiesFrom(variables: Readonly<Record<string, string | undefined>>): ProxySettings {
  const find = (name: string): string | undefined =>
    variables[name] || variables[name.toUpperCase()] || undefined;
  const findUrl = (name: string): string | undefined => {
    const text = find(name);
    if (text === undefined) return undefined;
    // Source: curl's manual: a proxy without a scheme is an HTTP proxy.
    const url = text.includes('://') ? text : `http://${text}`;
    if (URL.canParse(url)) return url;
    throw new ConfigError(
      `${name.toUpperCase()}: value is not the URL of a proxy`,
      'Use http://host:port, or http://user:password@host:port with special characters percent-encoded.',
    );
  };
  return { http: findUrl('http_proxy'), https: findUrl('https_proxy'), none: find('no_proxy') };
}

/**
 * Returns the proxy's URL, or null to connect directly. Loopback is always direct, as in Go's `net/http`: no proxy can reach it.
 * The same holds for link-local addresses, from which hosts and containers in a cloud get their credentials.
 *
 * `none` lists host names with an optional port. A name includes its subdomains; `*` is every host. Source: curl's manual, "NO_PROXY".
 */
export function findProxy(url: URL, { http, https, none = '' }: ProxySettings): string | null {
  const proxy = url.protocol === 'https:' ? https : http;
  if (proxy === undefined || proxy === '' || isLoopback(url.hostname) || isLinkLocal(url.hostname))
    return null;
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const isDirect = none
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => isNamed(entry.toLowerCase(), url.hostname, port));
  return isDirect ? null : proxy;
}

/** Whether the host name of a URL is this machine. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d+){3}$/.test(hostname)
  );
}

/** Source: RFC 3927 §2.1, RFC 4291 §2.5.6. */
function isLinkLocal(hostname: string): boolean {
  return hostname.startsWith('169.254.') || /^\[fe[89ab]/i.test(hostname);
}

function isNamed(entry: string, hostname: string, port: string): boolean {
  if (entry === '*') return true;
  const [, name = '', wantedPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  const host = name.replace(/^\*?\./, '');
  if (host === '' || (wantedPort !== undefined && wantedPort !== port)) return false;
  return hostname === host || hostname.endsWith(`.${host}`);
}
