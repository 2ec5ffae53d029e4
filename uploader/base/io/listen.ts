/** Makes a server listen at an address that a user has given. */

import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { messageOf } from '../../../src/base/errors.js';
import { ConfigError } from '../errors.js';

interface Address {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** Returns the address that is used. Throws `ConfigError`, with the hint, if the server cannot listen at it; `setting` is how the user has given it. */
export async function listen(
  server: Server,
  { host, port }: Address,
  setting: string,
  hint: string,
): Promise<AddressInfo> {
  try {
    await once(server.listen({ host, port }), 'listening');
  } catch (cause) {
    throw new ConfigError(`${setting}: cannot listen at this address: ${messageOf(cause)}`, hint, { cause });
  }
  return server.address() as AddressInfo;
}
