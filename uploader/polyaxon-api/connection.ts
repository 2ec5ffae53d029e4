/**
 * Finds the address and the credentials of Polyaxon's API in options, `POLYAXON_*` variables and the files of Polyaxon's own programs.
 *
 * Secrets stay in `Credentials`, which passes them only to requests.
 *
 * Source: polyaxon 2.16.4, `_schemas/client.py`, `_managers/{auth,client,home}.py`, `_env_vars/keys.py`. Unlike Polyaxon, polytrack ignores
 * `/tmp/.polyaxon`, where any user of the host could set a server that receives the token, and verifies certificates by default.
 */

import { join } from 'node:path';
import { parseBoundedJson } from '../../src/base/bounded-json.js';
import { messageOf } from '../../src/base/errors.js';
import { checkOptions, type OptionTable } from '../../src/base/options.js';
import { ConfigError } from '../base/errors.js';
import { isLoopback, proxiesFrom } from '../base/http/find-proxy.js';
import type { ProxySettings, TlsSettings } from '../base/http/transport.js';
import type { FileSystem } from '../base/io/file-system.js';
import { homeDirectory } from '../base/io/home-directory.js';
import { isAbsent } from '../base/io/system-error.js';
import { readWholeFile } from '../base/io/whole-file.js';
import { Credentials } from './credentials.js';

export type Variables = Readonly<Record<string, string | undefined>>;

/** Options that take precedence over the environment. */
export interface ConnectionOptions {
  /** `http://host:port` or `https://host`. */
  readonly host?: string | undefined;
  readonly token?: string | undefined;
}
const CONNECTION_OPTIONS: OptionTable<ConnectionOptions> = { host: 'string', token: 'string' };

export interface PolyaxonConnection {
  /** Scheme, host, port and optional path, without a trailing slash or credentials. */
  readonly host: string;
  readonly apiVersion: string;
  /** The namespace in the routes of streams; the open server ignores it. */
  readonly namespace: string;
  /** The artifacts store that the cluster sets; null if it has only one. */
  readonly artifactsStore: string | null;
  readonly credentials: Credentials;
  /** The header that identifies the calling service; empty outside a cluster. */
  readonly serviceHeader: Readonly<Record<string, string>>;
  readonly tls: TlsSettings;
  readonly proxies: ProxySettings;
  /** A request fails if no byte is sent or received for this long. */
  readonly silenceMs: number;
}

/** Source: polyaxon 2.16.4, `api.py`. */
export const DEFAULT_HOST = 'http://localhost:8000';
const DEFAULT_CONTEXT_ROOT = '/plx-context';
/** The default of `POLYAXON_TIMEOUT`: 20 s. */
const DEFAULT_SILENCE_MS = 20_000;
const MAX_FILE_BYTES = 1024 * 1024;
const TYPES = ['Token', 'InternalToken', 'EphemeralToken', 'Bearer'];

/** Finds host, credentials and TLS settings. Sends nothing. Throws `ConfigError`. */
export async function findConnection(
  options: ConnectionOptions,
  variables: Variables,
  fileSystem: FileSystem,
): Promise<PolyaxonConnection> {
  checkOptions('findConnection', options, CONNECTION_OPTIONS);
  const usesFiles = !isTrue(variables.POLYAXON_NO_CONFIG);
  const directory = usesFiles ? await findDirectory(variables, fileSystem) : null;
  const client = directory === null ? {} : await readSettings(join(directory, '.client'), fileSystem);
  const find = (variable: string, plain: string): string | undefined =>
    nonEmpty(variables[variable]) ?? toText(client[variable]) ?? toText(client[plain]);

  const host = parseHost(options.host ?? find('POLYAXON_HOST', 'host') ?? DEFAULT_HOST);
  const type = find('POLYAXON_AUTHENTICATION_TYPE', 'authentication_type') ?? 'Token';
  if (!TYPES.includes(type))
    throw new ConfigError(
      `POLYAXON_AUTHENTICATION_TYPE: ${JSON.stringify(type)} is not a known type`,
      `Use one of ${TYPES.join(', ')}.`,
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
    proxies: proxiesFrom(variables),
    silenceMs: parseSilenceMs(find('POLYAXON_TIMEOUT', 'timeout')),
  };
}

/**
 * Parses an address and removes trailing slashes. The default scheme is http for loopback and https for any other host. Throws a
 * `ConfigError` whose message contains no credentials.
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
    'the host of Polyaxon is not a valid address',
    'Use http://host:port or https://host, without user name and password.',
  );
}

function isLoopbackText(text: string): boolean {
  return URL.canParse(`http://${text}`) && isLoopback(new URL(`http://${text}`).hostname);
}

/** Returns `<home>/.polyaxon`. The home is `POLYAXON_HOME`, else the one that Polyaxon's commands have stored, else the user's. */
async function findDirectory(variables: Variables, fileSystem: FileSystem): Promise<string> {
  const given = nonEmpty(variables.POLYAXON_HOME);
  if (given !== undefined) return join(given, '.polyaxon');
  const home = homeDirectory(variables);
  const text = await readText(join(home, '.polyaxon', '.home'), fileSystem);
  // The file has one line of YAML: `path: /somewhere`.
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
    throw new ConfigError(`${variable}: ${path} does not exist`, 'Set it to the path of an existing file.');
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
    const found = parseBoundedJson(text);
    return typeof found === 'object' && found !== null ? (found as Readonly<Record<string, unknown>>) : {};
  } catch (cause) {
    throw new ConfigError(
      `${path}: is not valid JSON`,
      'Recreate the file with `polyaxon config set`, or remove it.',
      { cause },
    );
  }
}

/** Returns null if the file does not exist. In a cluster, these files are links. */
async function readText(path: string, fileSystem: FileSystem): Promise<string | null> {
  try {
    return (await readWholeFile(fileSystem, await fileSystem.realPath(path), MAX_FILE_BYTES)).toString(
      'utf8',
    );
  } catch (cause) {
    if (isAbsent(cause)) return null;
    throw new ConfigError(`${path}: cannot be read: ${messageOf(cause)}`, 'Make it readable.', { cause });
  }
}

function parseSilenceMs(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SILENCE_MS;
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 3600) return seconds * 1000;
  throw new ConfigError(`POLYAXON_TIMEOUT: ${JSON.stringify(text)} is not valid`, 'Use up to 3600 seconds.');
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
