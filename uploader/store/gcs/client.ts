/** Loads Google's library for Cloud Storage on first use. It provides the endpoint and the credentials. */

import { toSyntaxProblem } from '../../../src/base/bounded-json.js';
import type { Clock } from '../../../src/base/clock.js';
import { messageOf } from '../../../src/base/errors.js';
import type { OptionTable } from '../../../src/base/options.js';
import { StoreCredentialsError } from '../../base/errors.js';
import { systemErrorCode } from '../../base/io/system-error.js';
import { findRetryRow } from '../../base/retry-table.js';
import { type Library, loadLibrary } from '../base/load-library.js';
import type { RequestTimeouts } from '../base/time-limit.js';

export interface GcsClientOptions {
  /** Default: what the library finds, including `STORAGE_EMULATOR_HOST`. An explicit endpoint gets no credentials. */
  readonly endpoint?: string | undefined;
  /** The variables for proxies. Default: the environment of this process. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  readonly clock?: Clock | undefined;
  /** Awaited before each request, to limit the number of requests per second. */
  readonly beforeRequest?: ((signal?: AbortSignal) => Promise<void>) | undefined;
  readonly timeouts?: Partial<RequestTimeouts> | undefined;
}
export const GCS_CLIENT_OPTIONS: OptionTable<GcsClientOptions> = {
  endpoint: 'string',
  environment: 'object',
  clock: 'object',
  beforeRequest: 'function',
  timeouts: 'object',
};

/** Later versions need Node.js 22. */
const LIBRARY: Library = { name: '@google-cloud/storage', wanted: '@google-cloud/storage@7' };

export const CREDENTIALS_HINT =
  'Set GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account, or run: gcloud auth application-default login';

export interface GcsClient {
  /** Without a slash at the end. */
  readonly endpoint: string;
  /** The kind of credentials, in words; null when requests have none. */
  readonly signsWith: string | null;
  /** The authorization headers. Throws `StoreCredentialsError` without credentials; network errors from fetching a token pass unchanged. */
  authorize(url: URL): Promise<Record<string, string>>;
}

/** Sends nothing. Throws `StoreLibraryError`. */
export async function openGcsClient({ endpoint }: GcsClientOptions): Promise<GcsClient> {
  const { Storage } = await loadLibrary(LIBRARY, () => import('@google-cloud/storage'));
  const storage = new Storage({
    // Requests for objects need no project. Without this value the library looks one up, which needs another permission.
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
        // A plain object or a `Headers`, depending on the version of the library.
        return Object.fromEntries(new Headers(found));
      } catch (cause) {
        if (isPassing(cause)) throw cause;
        // A key file that is not valid JSON: the message of the library repeats a part of it.
        const isText = cause instanceof SyntaxError;
        const message = `no credentials for Google Cloud Storage: ${isText ? toSyntaxProblem(cause) : messageOf(cause)}`;
        throw new StoreCredentialsError(message, {
          ...(isText ? {} : { cause }),
          hint: CREDENTIALS_HINT,
        });
      }
    },
  };
}

/** Whether a token is only temporarily unavailable. */
export function isPassing(error: unknown): boolean {
  const status: unknown = error instanceof Error ? Reflect.get(error, 'status') : undefined;
  const httpStatus = typeof status === 'number' ? status : undefined;
  return findRetryRow({ code: systemErrorCode(error), httpStatus }) !== null;
}
