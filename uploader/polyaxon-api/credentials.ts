/** The token, from wherever it is kept: read again when its file changes, shown to nothing but requests. */

import { inspect } from 'node:util';
import type { FileSystem } from '../base/io/file-system.js';
import { readWholeFile } from '../base/io/whole-file.js';

export interface CredentialSources {
  readonly fileSystem: FileSystem;
  /** The word before the token. */
  readonly type: string;
  readonly given: string | undefined;
  readonly fromEnvironment: string | undefined;
  /** The cluster's file; it wins over the environment, because the cluster renews it. */
  readonly clusterPath: string;
  readonly userPath: string | null;
}

/** What Polyaxon's programs write for no token. Source: polyaxon 2.16.4, `_client/client.py`. */
const NO_TOKEN = 'no-auth';
const MAX_FILE_BYTES = 64 * 1024;

interface ReadFile {
  /** Size and times: another one is worth another look. */
  readonly version: string;
  readonly token: string | null;
}

export class Credentials {
  readonly #sources: CredentialSources;
  readonly #files = new Map<string, ReadFile>();

  constructor(sources: CredentialSources) {
    this.#sources = sources;
  }

  /** The value of `Authorization`; null without a token. Looks at the files each time, and reads those that have changed. */
  async authorization(): Promise<string | null> {
    const token = await this.#find();
    return token === null ? null : `${this.#sources.type} ${token}`;
  }

  /** Where the token comes from, in words, for people; null without one. */
  async describe(): Promise<string | null> {
    const { given, fromEnvironment, clusterPath, userPath } = this.#sources;
    if (toToken(given) !== null) return 'an option';
    if ((await this.#read(clusterPath)) !== null) return clusterPath;
    if (toToken(fromEnvironment) !== null) return 'POLYAXON_AUTH_TOKEN';
    if (userPath !== null && (await this.#read(userPath)) !== null) return userPath;
    return null;
  }

  /** Hides the token in what somebody else has written, such as a server that repeats what it was sent. */
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

  /** A file that is gone, or half written, is as good as none: the server says so if a token was needed. */
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

/** JSON with the variable's name or a plain one. Source: polyaxon 2.16.4, `_schemas/authentication.py`. */
function parseAuthFile(text: string): string | null {
  const found: unknown = JSON.parse(text);
  if (typeof found !== 'object' || found === null) return null;
  const token: unknown = Reflect.get(found, 'POLYAXON_AUTH_TOKEN') ?? Reflect.get(found, 'token');
  return typeof token === 'string' ? toToken(token) : null;
}

function toToken(text: string | undefined): string | null {
  const token = text?.trim() ?? '';
  // A line break would end the header; a token that holds one is none.
  return token === '' || token === NO_TOKEN || /[^\x21-\x7e]/.test(token) ? null : token;
}
