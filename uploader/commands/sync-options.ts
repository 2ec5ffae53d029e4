/** The options that `sync` and `watch` have in common. */

import { type Command, Option } from 'commander';

/** Adds them to a command. */
export function addSyncOptions(command: Command): Command {
  return command
    .option(
      '--store <url>',
      's3://bucket/prefix, file:///path or polyaxon://host/owner/project (POLYTRACK_STORE)',
    )
    .option('--concurrency <n>', 'files sent at the same time (POLYTRACK_CONCURRENCY; default: 8)')
    .option(
      '--interval <seconds>',
      'how often a growing file is brought up to date while watching (POLYTRACK_INTERVAL; default: 10)',
    )
    .option('--bandwidth <bytes>', 'sent each second at most, such as 10MB (POLYTRACK_BANDWIDTH)')
    .option('--requests <n>', 'requests each second at most (POLYTRACK_REQUESTS)')
    .option(
      '--grace <seconds>',
      'how long to go on once told to stop while watching (POLYTRACK_GRACE; default: 30)',
    )
    .option('--include <pattern...>', 'send what the names of secrets and unfinished files leave out')
    .option('--exclude <pattern...>', 'leave out, as a .polytrackignore file would')
    .option('--as-run [uuid]', 'take the path as one run, whatever is in it')
    .option('--project <name>', 'the Polyaxon project of runs that do not say (POLYTRACK_PROJECT)')
    .option(
      '--polyaxon [url]',
      'tell a Polyaxon server of the runs (POLYTRACK_POLYAXON; without a value the one of POLYAXON_HOST; default: the store, where that is one)',
    )
    .option('--create-project', 'make the Polyaxon project if it is missing (POLYTRACK_CREATE_PROJECT)')
    .option(
      '--project-events',
      "make Polyaxon's event files of event files (POLYTRACK_PROJECT_EVENTS; default: when they go to Polyaxon)",
    )
    .addOption(new Option('--no-project-events', 'leave that'))
    .option(
      '--event-requests <n>',
      "of Polyaxon's event files that are brought up to date each second while watching (POLYTRACK_EVENT_REQUESTS; default: 10)",
    )
    .option('--root-id <text>', 'from what uuids of log directories are made (POLYTRACK_ROOT_ID)')
    .addOption(new Option('--no-hints', 'do not ask the file watcher for hints (POLYTRACK_HINTS=false)'))
    .addOption(new Option('--no-hardlinks', 'leave out files with several names (POLYTRACK_HARDLINKS=false)'))
    .addOption(
      new Option('--no-receipts', 'write no receipts of runs that are stored (POLYTRACK_RECEIPTS=false)'),
    )
    .option(
      '--mirror',
      'remove objects of files that were deleted on disk, after a minute and with a copy kept (POLYTRACK_MIRROR)',
    )
    .option('--force', 'with --mirror: also when more than a tenth of the files of a run are gone')
    .option('--cross-device', 'also send what is mounted inside of the root (POLYTRACK_CROSS_DEVICE)')
    .option(
      '--state-dir <path>',
      'where the journal is kept (POLYTRACK_STATE_DIR; default: $XDG_STATE_HOME/polytrack)',
    )
    .option('--endpoint <url>', 'S3 endpoint other than AWS (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL)')
    .option('--region <name>', 'S3 region (AWS_REGION, AWS_DEFAULT_REGION)')
    .addOption(
      new Option(
        '--path-style',
        'bucket in the path of requests (POLYTRACK_PATH_STYLE; default with an endpoint)',
      ),
    )
    .addOption(new Option('--no-path-style', 'bucket in the host of requests'))
    .option(
      '--config <file>',
      'JSON with any of these settings (POLYTRACK_CONFIG; default: $XDG_CONFIG_HOME/polytrack/config.json)',
    );
}

/** Commander gives `true` for a `--no-…` flag that was not given: that is no choice of the user's. */
export function withoutDefaults<Flags extends object>(flags: Flags): Flags {
  const kept = Object.entries(flags).filter(
    ([name, value]) => !(['hints', 'hardlinks', 'receipts'].includes(name) && value === true),
  );
  return Object.fromEntries(kept) as Flags;
}
