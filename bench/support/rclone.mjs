// Runs rclone, with a remote `s3:` for the S3 server of the peers.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { peersDirectory } from '../../scripts/peers-directory.mjs';

/** Returns the command, environment and version of rclone. Credentials and endpoint come from `toS3Env`, as for every client. */
export function rclone(args) {
  const command = join(peersDirectory(), 'bench/rclone/rclone');
  if (!existsSync(command)) throw new Error('the peer bench/rclone is not installed');
  const [, version] =
    /^rclone v([\d.]+)/.exec(execFileSync(command, ['version'], { encoding: 'utf8' })) ?? [];
  const env = {
    RCLONE_CONFIG_S3_TYPE: 's3',
    RCLONE_CONFIG_S3_PROVIDER: 'Other',
    RCLONE_CONFIG_S3_ENV_AUTH: 'true',
    RCLONE_CONFIG_S3_FORCE_PATH_STYLE: 'true',
  };
  return { command, args: args.map(String), env, version };
}
