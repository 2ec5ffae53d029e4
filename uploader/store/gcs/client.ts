/** Google's library for Cloud Storage, loaded on first use: where the store is, and what requests are signed with. */

import type { Clock } from '../../../src/base/clock.js';
import { messageOf } from '../../../src/base/errors.js';
import { StoreCredentialsError } from '../../base/errors.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import { findRetryRow } from '../../base/retry.js';
import { type Library, loadLibrary } from '../base/load-library.js';
import type { RequestTimeouts } from '../base/time-limit.js';

export interface GcsClientOptions {
  /** Default: what the library finds, `STORAGE_EMULATOR_HOST` included. A server that is named here is sent no credentials. */
  readonly endpoint?: string | undefined;
  /** For proxies. Default: the process' own. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  readonly clock?: Clock | undefined;
  /** Waited for before each request: a limit on how many there may be each second. */
  readonly beforeRequest?: ((signal?: AbortSignal) => Promise<void>) | undefined;
  readonly timeouts?: Partial<RequestTimeouts> | undefined;
}

/** Later ones need Node.js 22. */
const LIBRARY: Library = { name: '@google-cloud/storage', wanted: '@google-cloud/storage@7' };

export const CREDENTIALS_HINT =
  'Set GOOGLE_APPLICATION_CREDENTIALS to the file of a service account, or run: gcloud auth application-default login';

export interface GcsClient {
  /** Without a slash at its end. */
  readonly endpoint: string;
  /** In words; null for a server that is sent no credentials. */
  readonly signsWith: string | null;
  /** Throws `StoreCredentialsError` when there are none, and as they come the failures of a network on the way to a token. */
  authorize(url: URL): Promise<Record<string, string>>;
}

/** Sends nothing. Throws `StoreLibraryError`. */
export async function openGcsClient({ endpoint }: GcsClientOptions): Promise<GcsClient> {
  const { Storage } = await loadLibrary(LIBRARY, () => import('@google-cloud/storage'));
  const storage = new Storage({
    // Objects are not asked for by project. Without one the library looks for it, which is a permission of its own.
    projectId: '-',
    ...(endpoint === undefined ? {} : { apiEndpoint: endpoint }),
  });
  const isSigned = !storage.customEndpoint || storage.useAuthWithCustomEndpoint === true;
  return {
    endpoint: storage.apiEndpoint.replace(/\/+$/, ''),
    signsWith: isSigned ? 'application default credentials' : null,
    authorize: async (url) => {
      if (!isSigned) return {};
      try {
        const found = await storage.authClient.getRequestHeaders(url.href);
        // A plain object, or what fetch knows, by the version of the library.
        return Object.fromEntries(new Headers(found));
      } catch (cause) {
        if (isPassing(cause)) throw cause;
        const message = `no credentials for Google Cloud Storage: ${messageOf(cause)}`;
        throw new StoreCredentialsError(message, { cause, hint: CREDENTIALS_HINT });
      }
    },
  };
}

/** Whether a token could not be had now, and may be later. */
export function isPassing(error: unknown): boolean {
  const status: unknown = error instanceof Error ? Reflect.get(error, 'status') : undefined;
  const httpStatus = typeof status === 'number' ? status : undefined;
  return findRetryRow({ code: systemErrorCode(error), httpStatus }) !== null;
}
