/**
 * Finds the real programs that tests run against, as installed by `npm run peers`. The tests of a missing program are skipped
 * and listed; with `CI=true` a skipped test fails the run.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { peersDirectory, polyaxonPeer } from '../../scripts/peers-directory.mjs';

const BINARIES = {
  tensorboard: 'tensorboard/venv/bin/tensorboard',
  python: 'tensorboard/venv/bin/python',
  polyaxon: `${polyaxonPeer()}/venv/bin/python`,
  tensorboardx: 'bench/tensorboardx/venv/bin/python',
  s3: 's3/versitygw',
  moto: 'moto/venv/bin/moto_server',
  'rclone-s3': 'rclone-s3/rclone',
  gofakes3: 'gofakes3/gofakes3',
  azurite: 'azurite/node_modules/azurite/dist/src/blob/main.js',
  gcs: 'gcs/gcs-emulator',
  kubernetes: 'kubernetes/kubernetes',
  'node-20': `node-20/node_modules/node-${process.platform}-${process.arch}/bin/node`,
  'node-22': `node-22/node_modules/node-${process.platform}-${process.arch}/bin/node`,
  'node-24': `node-24/node_modules/node-${process.platform}-${process.arch}/bin/node`,
} as const;

/** Programs that the system must provide, as Debian's packages `chromium` and `prometheus` do. */
export type PeerName = keyof typeof BINARIES | 'chromium' | 'prometheus' | 'promtool';

/** Paths of the browser, which the system must provide: Debian's package `chromium`. */
const CHROMIUM_PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Returns the path of a peer's program; undefined when it is not installed. */
export function findPeer(name: PeerName): string | undefined {
  if (name === 'chromium') {
    const paths = [process.env.CHROMIUM_PATH, ...CHROMIUM_PATHS];
    return paths.find((path) => path !== undefined && existsSync(path));
  }
  if (name === 'prometheus' || name === 'promtool') {
    const path = `/usr/bin/${name}`;
    return existsSync(path) ? path : undefined;
  }
  const path = join(peersDirectory(), BINARIES[name]);
  return existsSync(path) ? path : undefined;
}

/** Like `findPeer`, for tests that run only when the peer is installed. Throws when it is missing. */
export function peerPath(name: PeerName): string {
  const path = findPeer(name);
  if (path === undefined) throw new Error(`the peer ${name} is not installed; run npm run peers`);
  return path;
}

const HOW_TO_INSTALL = 'npm run peers; install chromium and prometheus as system packages';

/** Like `describe`, but skips its tests when one of the peers is not installed. */
export function describeWithPeers(peers: readonly PeerName[], title: string, body: () => void): void {
  const missing = peers.filter((name) => findPeer(name) === undefined);
  if (missing.length === 0) describe(title, body);
  else describe.skip(`${title} (needs ${missing.join(', ')}: ${HOW_TO_INSTALL})`, body);
}
