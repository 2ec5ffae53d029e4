/**
 * Every setting and every flag of the command line has one row here. Flags, environment variables, keys of the configuration file, `--help`,
 * the properties of `SyncConfig` and docs/settings.md (`npm run docs`) are derived from the rows: to add a setting, add a row.
 *
 * Names: `retryTimeout` is the key in the file, `--retry-timeout` the flag, `POLYTRACK_RETRY_TIMEOUT` the variable.
 *
 * Long because it has one row for each setting.
 */

import { MAX_SHARDS } from '../cluster/shards.js';
import {
  bytes,
  cluster,
  directories,
  duration,
  endpoint,
  httpAddress,
  names,
  oneOf,
  optionalText,
  optionalUuid,
  patterns,
  perSecond,
  polyaxonServer,
  seconds,
  shard,
  tags,
  text,
  toggle,
  type ValueType,
  webhook,
  wholeNumber,
} from './value-types.js';

const UPLOADING = ['sync', 'watch', 'import'] as const;
const WATCHING = ['sync', 'watch'] as const; // sync only with --live
/** `run` passes these flags to `sync --live`. */
const UPLOADING_OR_RUN = [...UPLOADING, 'run'] as const;
const COMPARING = ['verify', 'clean'] as const;
const READING = ['runs', 'show', 'compare', 'aggregate'] as const;
const OPERATING = [...COMPARING, 'pull', 'ls', ...READING] as const;
const SELECTING = [...UPLOADING, ...COMPARING] as const;
const TRANSFERRING = [...UPLOADING, ...OPERATING] as const;
/** Commands that write objects, `check` and `doctor` to test that. */
const WRITING = [...UPLOADING_OR_RUN, 'check', 'doctor'] as const;
const CONNECTING = [...TRANSFERRING, 'check', 'status', 'doctor'] as const;
const PRINTING = [...CONNECTING, 'inspect', 'fsck', 'compact'] as const;
/** Commands that read runs of a store and print something else than one JSON document. */
const SERVING = ['ui', 'serve', 'mcp', 'export'] as const;

export type CommandName = (typeof PRINTING)[number] | (typeof SERVING)[number] | 'run';

export interface Row extends RowOptions {
  readonly type: ValueType<unknown>;
  /** The commands that have the flag. */
  readonly commands: readonly CommandName[];
  /** What the flag does or what its value means. */
  readonly help: string;
}

interface RowOptions {
  /** Commands that need a different sentence. */
  readonly helpFor?: Partial<Record<CommandName, string>>;
  /** What `--no-…` does. A toggle accepts both flags; `--help` lists the flag that changes the default, or both without a default. Required when the default is on. */
  readonly negation?: string;
  /** In the form that users write, for example in seconds. */
  readonly default?: boolean | number;
  /** For help and docs: what applies without a value if no fixed default exists. */
  readonly unset?: string;
  /** Commands for which something else applies. */
  readonly unsetFor?: Partial<Record<CommandName, string>>;
  readonly short?: string;
  /** The first variable that is set wins. Default: `POLYTRACK_<NAME>`; none for rows of `FLAGS`. */
  readonly variables?: readonly string[];
}

type Rows = Readonly<Record<string, Row>>;

function row<Type extends ValueType<unknown>, Options extends RowOptions>(
  type: Type,
  commands: readonly CommandName[],
  help: string,
  options: Options = {} as Options,
): { type: Type; commands: readonly CommandName[]; help: string } & Options {
  return { type, commands, help, ...options };
}

const STORE = {
  store: row(
    text('<url>'),
    [...SELECTING, 'status', 'doctor', 'run'],
    'store of the runs: s3://bucket/prefix, gs://bucket/prefix, azure://container/prefix, file:///path or polyaxon://host/owner/project',
  ),
  endpoint: row(endpoint, [...CONNECTING, 'run', ...SERVING], 'URL of the S3 server', {
    unset: 'AWS',
    // Source: AWS SDKs and Tools Reference Guide; so are the names of the region.
    variables: ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL'],
  }),
  region: row(text('<name>'), [...CONNECTING, 'run', ...SERVING], 'S3 region', {
    unset: 'from the AWS configuration; us-east-1 with --endpoint',
    variables: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
  }),
  pathStyle: row(
    toggle,
    [...TRANSFERRING, 'check', 'doctor', 'run', ...SERVING],
    'put the bucket name into the path of S3 requests',
    {
      negation: 'put the bucket name into the host name of S3 requests',
      unset: 'on with --endpoint',
    },
  ),
  // Source: Amazon S3 API Reference, `PutObject`.
  sse: row(oneOf('AES256', 'aws:kms', 'aws:kms:dsse'), WRITING, 'server-side encryption of S3 objects', {
    unset: 'that of the bucket; aws:kms with --kms-key',
  }),
  kmsKey: row(text('<id>'), WRITING, 'id, alias or ARN of the KMS key that encrypts S3 objects', {
    unset: 'that of the bucket',
  }),
  storageClass: row(text('<class>'), WRITING, 'storage class of S3 objects, such as STANDARD_IA', {
    unset: 'that of the bucket',
  }),
  acl: row(text('<acl>'), WRITING, 'canned ACL of S3 objects, such as bucket-owner-full-control', {
    unset: 'none',
  }),
  objectTags: row(tags, WRITING, 'tags of S3 objects, as name=value', { unset: 'none' }),
};

const COMPARE_INCLUDED = 'also compare files excluded by default; pass the patterns that you passed to sync';
const RUNS = {
  include: row(
    patterns,
    SELECTING,
    'also upload files excluded by default (secret-like names, unfinished files)',
    { helpFor: { verify: COMPARE_INCLUDED, clean: COMPARE_INCLUDED }, variables: [] },
  ),
  exclude: row(patterns, SELECTING, 'skip files that match, in the syntax of .gitignore', { variables: [] }),
  asRun: row(
    optionalUuid,
    [...SELECTING, 'status'],
    'treat the path as one run, whatever it contains; without a uuid, derive one',
    { variables: [] },
  ),
  uuidSeed: row(
    text('<text>'),
    [...SELECTING, 'status'],
    'derive the uuids of log directories from this text',
    {
      unset: 'host and path of the root',
    },
  ),
  group: row(
    directories,
    [...SELECTING, 'status'],
    'make one run of each directory that matches, with all log directories below it; without a pattern, of the path',
    { unset: 'decided by the layout', variables: [] },
  ),
  split: row(
    directories,
    [...SELECTING, 'status'],
    'make a run of each log directory in and below each directory that matches; without a pattern, of all',
    { unset: 'decided by the layout', variables: [] },
  ),
  hardlinks: row(toggle, SELECTING, 'include files that have several hard links', {
    negation: 'skip files that have several hard links',
    default: true,
  }),
  oneFileSystem: row(toggle, SELECTING, 'skip directories on other file systems', {
    negation: 'include directories on other file systems that are mounted below the path',
    default: true,
  }),
  takeOver: row(
    toggle,
    UPLOADING,
    'continue runs that the store has from another directory or host; earlier content is kept below .plx/gen/',
    { default: false },
  ),
  mirror: row(
    toggle,
    UPLOADING,
    'delete the objects of files that were deleted on disk, a minute later; the store keeps a copy',
    { default: false },
  ),
  index: row(
    toggle,
    UPLOADING,
    'store the parameters and results of runs in an index, so that listings of the store are fast',
    {
      negation: 'do not write an index of the runs',
      default: true,
    },
  ),
  manifests: row(
    toggle,
    [...UPLOADING, 'verify'],
    'store a manifest of each run that has ended and is complete',
    {
      negation: 'do not store manifests of complete runs',
      default: true,
    },
  ),
};

const POLYAXON = {
  polyaxon: row(
    polyaxonServer,
    UPLOADING_OR_RUN,
    'report the runs to a Polyaxon server; without a URL, to that of POLYAXON_HOST; without a store, files are not uploaded',
    {
      negation: 'do not report the runs to a Polyaxon server',
      unset: 'the store, if it is a Polyaxon server',
    },
  ),
  project: row(text('<name>'), UPLOADING_OR_RUN, 'Polyaxon project of runs that do not name one', {
    helpFor: {
      run: 'Polyaxon project of the run, or owner/project',
      sync: 'Polyaxon project of the runs, or owner/project, also if they name another one',
    },
  }),
  createProject: row(toggle, UPLOADING_OR_RUN, 'create the Polyaxon project if it does not exist', {
    default: false,
  }),
  exportEvents: row(toggle, UPLOADING_OR_RUN, 'convert TensorBoard event files to Polyaxon event files', {
    negation: 'do not convert event files',
    unset: 'when uploading to Polyaxon',
  }),
  exportRate: row(
    perSecond(0.1, 100_000),
    WATCHING,
    'Polyaxon event files to update per second while watching, on average',
    { unset: '10; 100 for a Polyaxon server' },
  ),
};

const SPEED = {
  // 8 hides a latency of 50 ms for small files. Memory for large files is limited elsewhere.
  concurrency: row(wholeNumber(1, 64), TRANSFERRING, 'files to transfer at the same time', { default: 8 }),
  bandwidth: row(bytes, [...UPLOADING, 'pull'], 'bytes to transfer per second at most, such as 10MB', {
    unset: 'no limit',
  }),
  requests: row(perSecond(0.1, 100_000), TRANSFERRING, 'requests to send per second at most', {
    unset: 'no limit',
  }),
  interval: row(seconds(0.1, 3_600), WATCHING, 'time between two uploads of a growing file, while watching', {
    default: 10,
  }),
  poll: row(toggle, WATCHING, 'find changes by scanning only, without a file watcher', { default: false }),
  retryTimeout: row(
    seconds(0, 86_400),
    ['sync', 'import', ...OPERATING],
    'time to retry while the store fails; no limit while watching',
    { default: 60 },
  ),
  shutdownTimeout: row(
    seconds(0, 86_400),
    WATCHING,
    'time to finish uploads after SIGTERM or SIGINT, while watching',
    { default: 30 },
  ),
};

const PROCESS = {
  stateDir: row(
    text('<path>'),
    [...UPLOADING, 'status', 'check', 'doctor'],
    'local directory for journals, locks and cached checks of stores',
    { unset: '$XDG_STATE_HOME/polytrack' },
  ),
  shard: row(
    shard,
    WATCHING,
    'upload only the runs of one shard of n, such as 0/4; each run belongs to one shard by its uuid',
    { unset: 'all runs' },
  ),
  shards: row(
    wholeNumber(1, MAX_SHARDS),
    WATCHING,
    'number of shards; the shard is JOB_COMPLETION_INDEX, POD_INDEX, or the number at the end of POD_NAME or of the host name',
    {
      helpFor: {
        watch:
          'number of shards; without --cluster, the shard is JOB_COMPLETION_INDEX, POD_INDEX, or the number at the end of POD_NAME or of the host name',
      },
    },
  ),
  cluster: row(
    cluster,
    ['watch'],
    'divide the shards among all uploaders of this cluster, with leases in the store; kubernetes:<name> keeps them in Kubernetes',
  ),
  alertWebhook: row(
    webhook,
    UPLOADING_OR_RUN,
    'send the alerts of runs (run.alert) to this URL, as JSON with a text',
    { unset: 'none' },
  ),
  http: row(
    httpAddress,
    ['watch'],
    'serve /healthz, /readyz and /metrics at [host:]port, without a host for local connections only',
  ),
};

/** Flags that are not settings. They apply to one call of a command and have no key in the configuration file. */
export const FLAGS = {
  all: row(
    toggle,
    ['sync', 'clean', 'compare'],
    "upload the offline runs of polytrack and of Polyaxon's Python client instead of a path (./plx-runs, POLYAXON_OFFLINE_ROOT, /tmp/plx/offline)",
    {
      helpFor: {
        clean: 'also delete the run file and the run directory',
        compare: 'also print what is equal in all runs',
      },
    },
  ),
  as: row(text('<name>'), ['sync'], 'name of the run on the Polyaxon server; nothing on disk changes'),
  newUuid: row(
    toggle,
    ['sync'],
    'upload one run under a new uuid, which is printed, as another run; nothing on disk changes',
  ),
  live: row(toggle, ['sync'], 'keep uploading until the runs have ended and are stored'),
  dryRun: row(toggle, ['sync', 'import', 'compact'], 'print what would be uploaded, upload nothing', {
    short: '-n',
    helpFor: { compact: 'print what would be compacted, write nothing' },
  }),
  force: row(
    toggle,
    UPLOADING,
    'with --mirror: delete objects even if more than a tenth of the files of a run are gone',
  ),
  yes: row(toggle, ['clean'], 'delete the files instead of printing what would be deleted'),
  olderThan: row(
    duration,
    ['clean', 'compact'],
    'only runs in which nothing has changed for this long, such as 12h or 7d',
    {
      helpFor: {
        compact:
          'with --in-place: also replace files of other programs that have not changed for this long, such as 10m, instead of a day',
      },
    },
  ),
  largerThan: row(bytes, ['clean'], 'only runs of at least this size, such as 500MB'),
  keep: row(wholeNumber(0, 1_000_000), ['clean'], 'keep the newest n runs'),
  untilFree: row(
    bytes,
    ['clean'],
    'start with the oldest run, stop once this much disk space is free, such as 50GB',
  ),
  deep: row(toggle, COMPARING, 'read every byte of every object back and compare SHA-256'),
  overwrite: row(toggle, ['pull'], 'replace local files that differ from the stored ones'),
  previousVersions: row(
    toggle,
    ['pull', 'ls'],
    'also restore previous versions of files, into .plx/gen/, and removed files, into .plx/deleted/',
    {
      helpFor: { ls: 'also list previous versions of the files of a run, and removed files' },
    },
  ),
  name: row(text('<name>'), ['run', 'aggregate'], 'name of the run', {
    unset: 'that of the program',
    unsetFor: { aggregate: 'aggregate' },
  }),
  root: row(text('<directory>'), ['run', 'aggregate'], 'directory of all runs', {
    unset: 'POLYAXON_OFFLINE_ROOT, else ./plx-runs',
    unsetFor: { aggregate: 'that of the first run on disk' },
  }),
  logdir: row(
    text('<directory>'),
    ['run'],
    'add TensorBoard event files that the program creates below this directory to the run',
    { unset: 'the working directory' },
  ),
  uploadTimeout: row(
    wholeNumber(0, 86_400),
    ['run'],
    'seconds to wait for the upload after the program has ended; after that, it continues in the background',
    { unset: '60' },
  ),
  tag: row(text('<name>'), ['inspect'], 'print the values of this tag, scalars with a plot'),
  run: row(text('<name>'), ['inspect', 'ls'], 'only this run: its path below the directory', {
    helpFor: { ls: 'list the files of this run: its name, the first digits of its uuid, or latest' },
  }),
  columns: row(
    text('<names>'),
    ['runs'],
    'columns, separated by commas: facts such as name and status, and names of parameters, results and metrics',
    { unset: 'facts, parameters in which the runs differ, and results' },
  ),
  filter: row(
    patterns,
    ['runs'],
    'only runs that meet all conditions, such as status=running, "loss<0.5", name~base or "age<2d"',
  ),
  sort: row(text('<column>'), ['runs'], 'sort by this column; -<column> starts with the largest value', {
    unset: 'the newest run first',
  }),
  csv: row(toggle, ['runs'], 'print the table as CSV, with exact values'),
  watch: row(toggle, ['runs'], 'print the table again whenever something has changed, until interrupted'),
  trace: row(
    optionalText('[id]'),
    ['show'],
    'print the traces of the run as trees; with an id or the name of a root, that trace with its values',
  ),
  html: row(text('<file>'), ['show'], 'write the traces to this file, as a page for a browser'),
  shown: row(
    toggle,
    ['inspect'],
    'print how many values of each tag TensorBoard and Polyaxon show, and why they hide the others',
  ),
  repair: row(
    text('<directory>'),
    ['fsck'],
    'write repaired copies of the event files into this new directory',
  ),
  output: row(text('<directory>'), ['compact'], 'write the copies into this new directory', {
    unset: '<log directory>-compact',
  }),
  inPlace: row(
    toggle,
    ['compact'],
    'replace the files instead of copying them, unless a program may be writing',
  ),
  format: row(oneOf('csv', 'json', 'parquet', 'arrow'), ['export'], 'format of the file', { unset: 'csv' }),
  out: row(text('<file>'), ['export'], 'write to this file', { unset: 'standard output' }),
  metric: row(names, ['export', 'aggregate'], 'only these metrics'),
  minRuns: row(wholeNumber(1, 1_000_000), ['aggregate'], 'only steps that at least this many runs have', {
    unset: '2',
  }),
  wide: row(toggle, ['export'], 'one row for each step, with a column for each metric'),
  best: row(toggle, ['export'], 'only the best point of each metric that has a goal'),
  system: row(toggle, ['export'], 'system metrics instead of those that the program logged'),
  port: row(wholeNumber(1, 65_535), ['ui', 'serve'], 'port of TensorBoard', {
    unset: '6006, or the next free port',
    helpFor: { serve: 'port of the data server' },
    unsetFor: { serve: 'a free port' },
  }),
  host: row(
    text('<address>'),
    ['ui', 'serve'],
    'address at which TensorBoard is reachable, such as 0.0.0.0',
    {
      unset: '127.0.0.1, local connections only',
      helpFor: { serve: 'address of the data server; one that is not local needs --token' },
    },
  ),
  token: row(
    text('<token>'),
    ['serve'],
    'reject calls without the metadata `authorization: Bearer <token>`. TensorBoard cannot send it',
    { unset: 'none' },
  ),
  points: row(
    wholeNumber(0, 100_000_000),
    ['serve'],
    'keep at least this many points of a longer curve; 0 keeps all. The first, the last and the extremes always stay',
    { unset: '10,000' },
  ),
  printEnv: row(
    toggle,
    ['serve'],
    'print the line that makes `tensorboard --logdir` use polytrack, for `eval` in a shell',
  ),
  open: row(toggle, ['ui'], 'open the browser, if stdout is a terminal', {
    negation: 'print the address only, do not open the browser',
    default: true,
  }),
  json: row(toggle, PRINTING, 'print the result as one JSON document', {
    helpFor: {
      sync: 'print the report as one JSON document; with --all a list of reports',
      watch: 'print each event as a line of JSON, and the report as the last line',
    },
  }),
  verbose: row(
    toggle,
    [...TRANSFERRING, 'check', 'ui', 'export'],
    'print more: causes of errors; for uploads also the source of each setting and verified files',
    { short: '-v', helpFor: { ui: 'print what TensorBoard prints' } },
  ),
  config: row(text('<file>'), [...CONNECTING, 'run', ...SERVING], 'read settings from this JSON file', {
    unset: '$XDG_CONFIG_HOME/polytrack/config.json',
    variables: ['POLYTRACK_CONFIG'],
  }),
};

export const SETTINGS = { ...STORE, ...RUNS, ...POLYAXON, ...SPEED, ...PROCESS };

/** All rows, by the headings of `--help` and docs/settings.md. */
export const GROUPS: Readonly<Record<string, Rows>> = {
  Options: FLAGS,
  Store: STORE,
  'Runs and files': RUNS,
  Polyaxon: POLYAXON,
  'Speed and retries': SPEED,
  Process: PROCESS,
};

export type SettingName = keyof typeof SETTINGS;
export type FlagName = keyof typeof FLAGS;

type ValueOf<OfRow> = OfRow extends { type: ValueType<infer Value> } ? Value : never;
type OrUndefined<OfRow> = OfRow extends { default: unknown } ? never : undefined;
type PropertyOf<Name extends string, OfRow> = OfRow extends { type: { suffix: infer Suffix extends string } }
  ? `${Name}${Suffix}`
  : Name;

/** The parsed value of each setting. `undefined`: not set, without a default. */
export type SettingValues = {
  readonly [Name in SettingName as PropertyOf<Name, (typeof SETTINGS)[Name]>]:
    | ValueOf<(typeof SETTINGS)[Name]>
    | OrUndefined<(typeof SETTINGS)[Name]>;
};

export type FlagValue<Name extends FlagName> = ValueOf<(typeof FLAGS)[Name]>;

/** The unparsed values of the command line. The keys are the flag names in camel case. */
export type Flags = {
  readonly [Name in SettingName]?: string | number | boolean | readonly string[] | undefined;
} & { readonly [Name in FlagName]?: UnparsedFlag<FlagValue<Name>> | undefined };

type UnparsedFlag<Value> = Value extends boolean ? boolean : Value extends readonly string[] ? Value : string;

/** Settings of earlier versions, and what to use instead. */
export const REMOVED_SETTINGS: Readonly<Record<string, string>> = {
  share:
    'Use --cluster <name> --shards <n> for uploaders that divide the runs among them, or --shard <i/n> for fixed shards.',
};

/** `retryTimeout` → `--retry-timeout`. */
export function toFlag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

const ROWS: Rows = { ...SETTINGS, ...FLAGS };

export function variablesOf(name: string): readonly string[] {
  const row: Row | undefined = ROWS[name];
  const own = `POLYTRACK_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
  return row?.variables ?? (name in SETTINGS || name in REMOVED_SETTINGS ? [own] : []);
}
