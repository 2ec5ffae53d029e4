/** Finds the token, reads it again when its file changes, and passes it only to requests. */

import { inspect } from 'node:util';
import { checkOptions, type OptionTable } from '../../src/base/options.js';
import type { FileSystem } from '../base/io/file-system.js';
import { readWholeFile } from '../base/io/whole-file.js';

export interface CredentialSources {
  readonly fileSystem: FileSystem;
  /** The word before the token in the header. */
  readonly type: string;
  readonly given: string | undefined;
  readonly fromEnvironment: string | undefined;
  /** The file of the cluster. It takes precedence over the environment, because the cluster renews it. */
  readonly clusterPath: string;
  readonly userPath: string | null;
}
const CREDENTIAL_SOURCES: OptionTable<CredentialSources> = {
  fileSystem: 'object',
  type: 'string',
  given: 'string',
  fromEnvironment: 'string',
  clusterPath: 'string',
  userPath: 'any',
};

/** The value that Polyaxon's programs write if they have no token. Source: polyaxon 2.16.4, `_client/client.py`. */
const NO_TOKEN = 'no-auth';
const MAX_FILE_BYTES = 64 * 1024;

interface ReadFile {
  /** Path, size and times. If they change, the file is read again. */
  readonly version: string;
  readonly token: string | null;
}

export class Credentials {
  readonly #sources: CredentialSources;
  readonly #files = new Map<string, ReadFile>();

  constructor(sources: CredentialSources) {
    checkOptions('new Credentials', sources ?? null, CREDENTIAL_SOURCES);
    this.#sources = sources;
  }

  /** Returns the value of `Authorization`; null without a token. Checks the files on each call and reads those that have changed. */
  async authorization(): Promise<string | null> {
    const token = await this.#find();
    return token === null ? null : `${this.#sources.type} ${token}`;
  }

  /** Returns the source of the token, for messages; null without a token. */
  async describe(): Promise<string | null> {
    const { given, fromEnvironment, clusterPath, userPath } = this.#sources;
    if (toToken(given) !== null) return 'an option';
    if ((await this.#read(clusterPath)) !== null) return clusterPath;
    if (toToken(fromEnvironment) !== null) return 'POLYAXON_AUTH_TOKEN';
    if (userPath !== null && (await this.#read(userPath)) !== null) return userPath;
    return null;
  }

  /** Masks the token in text from elsewhere, for example from a server that repeats the request. */
  mask(text: string): string {
    const { given, fromEnvironment } = this.#sources;
    const tokens = [given, fromEnvironment, ...[...this.#files.values()].map(({ token }) => token)];
    return tokens
      .map((each) => toToken(each ?? undefined))
      .reduce((masked: string, token) => (token === null ? masked : masked.replaceAll(token, '…')), text);
  }

  toJSON(): string {
    return '…';
  }

  [inspect.custom](): string {
    return 'Credentials { … }';
  }

  async #find(): Promise<string | null> {
    const { given, fromEnvironment, clusterPath, userPath } = this.#sources;
    return (
      toToken(given) ??
      (await this.#read(clusterPath)) ??
      toToken(fromEnvironment) ??
      (userPath === null ? null : await this.#read(userPath))
    );
  }

  /** Ignores a missing or incomplete file: if a token is needed, the server rejects the request. */
  async #read(path: string): Promise<string | null> {
    const { fileSystem } = this.#sources;
    try {
      const real = await fileSystem.realPath(path);
      const { sizeBytes, mtimeNs, ctimeNs } = await fileSystem.lstat(real);
      const version = `${real.toString('hex')} ${sizeBytes} ${mtimeNs} ${ctimeNs}`;
      const known = this.#files.get(path);
      if (known?.version === version) return known.token;
      const token = parseAuthFile((await readWholeFile(fileSystem, real, MAX_FILE_BYTES)).toString('utf8'));
      this.#files.set(path, { version, token });
      return token;
    } catch {
      this.#files.delete(path);
      return null;
    }
  }
}

/** Parses JSON that has the token as `POLYAXON_AUTH_TOKEN` or `token`. Source: polyaxon 2.16.4, `_schemas/authentication.py`. */
function parseAuthFile(text: string): string | null {
  const found: unknown = JSON.parse(text);
  if (typeof found !== 'object' || found === null) return null;
  const token: unknown = Reflect.get(found, 'POLYAXON_AUTH_TOKEN') ?? Reflect.get(found, 'token');
  return typeof token === 'string' ? toToken(token) : null;
}

function toToken(text: string | undefined): string | null {
  const token = text?.trim() ?? '';
  // A line break would end the header, so a token with one is invalid.
  return token === '' || token === NO_TOKEN || /[^\x21-\x7e]/.test(token) ? null : token;
}
