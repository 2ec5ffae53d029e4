/**
 * Where Polyaxon's API is and how one gets in: from options, `POLYAXON_*` variables and the files of Polyaxon's own programs.
 *
 * Secrets stay in `Credentials`, which shows them to nobody but requests.
 *
 * Source: polyaxon 2.16.4, `_schemas/client.py`, `_managers/{auth,client,home}.py`, `_env_vars/keys.py`. Unlike there, nothing is read from
 * `/tmp/.polyaxon`, where any user of the host could name a server to send the token to, and certificates are verified unless told otherwise.
 */

import { homedir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../src/base/errors.js';
import { ConfigError } from '../base/errors.js';
import { isLoopback } from '../base/http/find-proxy.js';
import type { ProxySettings, TlsSettings } from '../base/http/transport.js';
import type { FileSystem } from '../base/io/file-system.js';
import { isAbsent } from '../base/io/system-error.js';
import { readWholeFile } from '../base/io/whole-file.js';
import { Credentials } from './credentials.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** What wins over the environment. */
export interface ConnectionOptions {
  /** `http://host:port` or `https://host`. */
  readonly host?: string | undefined;
  readonly token?: string | undefined;
}

export interface PolyaxonConnection {
  /** Scheme, host, port and perhaps a path; no slash at its end. Without credentials. */
  readonly host: string;
  readonly apiVersion: string;
  /** Of the streams' routes; an open server does not look at it. */
  readonly namespace: string;
  /** The artifacts store that the cluster names; null where there is but one. */
  readonly artifactsStore: string | null;
  readonly credentials: Credentials;
  /** The header that names the service which asks; empty outside of a cluster. */
  readonly serviceHeader: Readonly<Record<string, string>>;
  readonly tls: TlsSettings;
  readonly proxies: ProxySettings;
  /** No byte in either direction for longer than this is a failure. */
  readonly silenceMs: number;
}

/** Source: polyaxon 2.16.4, `api.py`. */
export const DEFAULT_HOST = 'http://localhost:8000';
const DEFAULT_CONTEXT_ROOT = '/plx-context';
/** `POLYAXON_TIMEOUT` says 20 where nothing is set. */
const DEFAULT_SILENCE_MS = 20_000;
const MAX_FILE_BYTES = 1024 * 1024;
const TYPES = ['Token', 'InternalToken', 'EphemeralToken', 'Bearer'];

/** Finds host, credentials and TLS settings. Sends nothing. Throws `ConfigError`. */
export async function findConnection(
  options: ConnectionOptions,
  variables: Variables,
  fileSystem: FileSystem,
): Promise<PolyaxonConnection> {
  const usesFiles = !isTrue(variables.POLYAXON_NO_CONFIG);
  const directory = usesFiles ? await findDirectory(variables, fileSystem) : null;
  const client = directory === null ? {} : await readSettings(join(directory, '.client'), fileSystem);
  const find = (variable: string, plain: string): string | undefined =>
    nonEmpty(variables[variable]) ?? toText(client[variable]) ?? toText(client[plain]);

  const host = parseHost(options.host ?? find('POLYAXON_HOST', 'host') ?? DEFAULT_HOST);
  const type = find('POLYAXON_AUTHENTICATION_TYPE', 'authentication_type') ?? 'Token';
  if (!TYPES.includes(type))
    throw new ConfigError(
      `POLYAXON_AUTHENTICATION_TYPE: ${JSON.stringify(type)} is none of ${TYPES.join(', ')}`,
      'Correct it.',
    );
  const header = find('POLYAXON_HEADER', 'header');
  const service = find('POLYAXON_HEADER_SERVICE', 'header_service');
  const contextRoot = nonEmpty(variables.POLYAXON_CONTEXT_ROOT) ?? DEFAULT_CONTEXT_ROOT;
  const credentials = new Credentials({
    fileSystem,
    type,
    given: nonEmpty(options.token),
    fromEnvironment: nonEmpty(variables.POLYAXON_AUTH_TOKEN),
    clusterPath: join(contextRoot, '.configs', '.auth'),
    userPath: directory === null ? null : join(directory, '.auth'),
  });
  return {
    host,
    apiVersion: find('POLYAXON_API_VERSION', 'version') ?? 'v1',
    namespace: find('POLYAXON_K8S_NAMESPACE', 'namespace') ?? 'polyaxon',
    artifactsStore: nonEmpty(variables.POLYAXON_ARTIFACTS_STORE_NAME) ?? null,
    credentials,
    serviceHeader: header === undefined || service === undefined ? {} : { [header]: service },
    tls: await findTls(find, fileSystem),
    proxies: {
      http: nonEmpty(variables.http_proxy) ?? nonEmpty(variables.HTTP_PROXY),
      https: nonEmpty(variables.https_proxy) ?? nonEmpty(variables.HTTPS_PROXY),
      none: nonEmpty(variables.no_proxy) ?? nonEmpty(variables.NO_PROXY),
    },
    silenceMs: parseSilenceMs(find('POLYAXON_TIMEOUT', 'timeout')),
  };
}

/**
 * The address without a slash at its end. A host without a scheme is one of loopback by http, any other by https. Throws `ConfigError`, whose
 * message repeats no credentials.
 */
export function parseHost(text: string): string {
  const withScheme = /^https?:\/\//i.test(text)
    ? text
    : `${isLoopbackText(text) ? 'http' : 'https'}://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : null;
  const isPlain =
    url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (url !== null && isPlain) return url.href.replace(/\/+$/, '');
  throw new ConfigError(
    'the host of Polyaxon is no address',
    'Write it as http://host:port or https://host, without user or password.',
  );
}

function isLoopbackText(text: string): boolean {
  return URL.canParse(`http://${text}`) && isLoopback(new URL(`http://${text}`).hostname);
}

/** `<home>/.polyaxon`. The home is the variable's, else the one that Polyaxon's own commands have written down, else the user's. */
async function findDirectory(variables: Variables, fileSystem: FileSystem): Promise<string> {
  const given = nonEmpty(variables.POLYAXON_HOME);
  if (given !== undefined) return join(given, '.polyaxon');
  const home = nonEmpty(variables.HOME) ?? homedir();
  const text = await readText(join(home, '.polyaxon', '.home'), fileSystem);
  // One line of YAML: `path: /somewhere`.
  const written = /^path:\s*(['"]?)(\S.*?)\1\s*$/m.exec(text ?? '')?.[2];
  return join(written ?? home, '.polyaxon');
}

async function findTls(
  find: (variable: string, plain: string) => string | undefined,
  fileSystem: FileSystem,
): Promise<TlsSettings> {
  const read = async (variable: string, plain: string): Promise<string | undefined> => {
    const path = find(variable, plain);
    if (path === undefined) return undefined;
    const text = await readText(path, fileSystem);
    if (text !== null) return text;
    throw new ConfigError(`${variable}: there is no file ${path}`, 'Correct the path.');
  };
  return {
    ca: await read('POLYAXON_SSL_CA_CERT', 'ssl_ca_cert'),
    cert: await read('POLYAXON_CERT_FILE', 'cert_file'),
    key: await read('POLYAXON_KEY_FILE', 'key_file'),
    isVerified: !isFalse(find('POLYAXON_VERIFY_SSL', 'verify_ssl')),
    isHostnameVerified: !isFalse(find('POLYAXON_ASSERT_HOSTNAME', 'assert_hostname')),
  };
}

async function readSettings(
  path: string,
  fileSystem: FileSystem,
): Promise<Readonly<Record<string, unknown>>> {
  const text = await readText(path, fileSystem);
  if (text === null || text.trim() === '') return {};
  try {
    const found: unknown = JSON.parse(text);
    return typeof found === 'object' && found !== null ? (found as Readonly<Record<string, unknown>>) : {};
  } catch (cause) {
    throw new ConfigError(
      `${path}: this is no JSON`,
      'Write it anew with `polyaxon config set`, or remove it.',
      { cause },
    );
  }
}

/** Null when there is none. In a cluster these are links. */
async function readText(path: string, fileSystem: FileSystem): Promise<string | null> {
  try {
    return (await readWholeFile(fileSystem, await fileSystem.realPath(path), MAX_FILE_BYTES)).toString(
      'utf8',
    );
  } catch (cause) {
    if (isAbsent(cause)) return null;
    throw new ConfigError(`${path} cannot be read: ${messageOf(cause)}`, 'Allow it to be read.', { cause });
  }
}

function parseSilenceMs(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SILENCE_MS;
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 3600) return seconds * 1000;
  throw new ConfigError(`POLYAXON_TIMEOUT: ${JSON.stringify(text)} is no number of seconds`, 'Correct it.');
}

function toText(value: unknown): string | undefined {
  if (typeof value === 'boolean' || typeof value === 'number') return String(value);
  return typeof value === 'string' ? nonEmpty(value) : undefined;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

function isTrue(text: string | undefined): boolean {
  return /^(1|true|yes|y|on|t)$/i.test(text ?? '');
}

function isFalse(text: string | undefined): boolean {
  return /^(0|false|no|n|off|f)$/i.test(text ?? '');
}
