/** The options of commands that look into a store, or compare it with a disk, and send nothing of a run. */

import { type Command, Option } from 'commander';

/** How the store is reached. */
export function addStoreAccessOptions(command: Command): Command {
  return command
    .option('--concurrency <n>', 'files at the same time (POLYTRACK_CONCURRENCY; default: 8)')
    .option('--requests <n>', 'requests each second at most (POLYTRACK_REQUESTS)')
    .option(
      '--retry-for <seconds>',
      'how long to wait for a store that fails (POLYTRACK_RETRY_FOR; default: 60)',
    )
    .option('--endpoint <url>', 'S3 endpoint other than AWS (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)')
    .option('--region <name>', 'S3 region (AWS_REGION, AWS_DEFAULT_REGION)')
    .addOption(new Option('--path-style', 'bucket in the path of requests (POLYTRACK_PATH_STYLE)'))
    .addOption(new Option('--no-path-style', 'bucket in the host of requests'))
    .option('--config <file>', 'JSON with any of these settings (POLYTRACK_CONFIG)')
    .option('--json', 'print one JSON document')
    .option('--verbose', 'also say the causes of errors');
}

/** Which files of a path belong to a run: as for `sync`, so that what was sent is what is compared. */
export function addRunPathOptions(command: Command): Command {
  return command
    .option(
      '--store <url>',
      's3://bucket/prefix, file:///path or polyaxon://host/owner/project (POLYTRACK_STORE)',
    )
    .option('--include <pattern...>', 'as for sync')
    .option('--exclude <pattern...>', 'as for sync')
    .option('--as-run [uuid]', 'take the path as one run, whatever is in it')
    .option('--root-id <text>', 'from what uuids of log directories are made (POLYTRACK_ROOT_ID)')
    .addOption(new Option('--no-hardlinks', 'leave out files with several names (POLYTRACK_HARDLINKS=false)'))
    .addOption(new Option('--no-receipts', 'write no receipts (POLYTRACK_RECEIPTS=false)'))
    .option('--cross-device', 'also what is mounted inside of the root (POLYTRACK_CROSS_DEVICE)');
}
