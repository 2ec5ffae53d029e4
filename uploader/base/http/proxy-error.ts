/** Names the proxy in the error of a request through it. */

import { describeFailure } from '../describe-failure.js';

/** Returns the same failure with the address of the proxy, without its credentials. Keeps what callers classify failures by. */
export function toProxyError(proxy: string, cause: unknown): Error {
  const { protocol, host } = new URL(proxy);
  const error = new Error(`request through the proxy ${protocol}//${host}: ${describeFailure(cause)}`, {
    cause,
  });
  if (typeof cause !== 'object' || cause === null) return error;
  for (const name of ['name', 'code', '$metadata'])
    if (name in cause)
      Object.defineProperty(error, name, { value: Reflect.get(cause, name), writable: true });
  return error;
}
