/** The functions that read bytes of others, each with inputs to begin with. A target may throw errors with a stable code only. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { CommanderError } from 'commander';
import { parseBoundedJson } from '../../src/base/bounded-json.js';
import { CodedError } from '../../src/base/errors.js';
import { EventFileReader } from '../../src/format/reader/event-file-reader.js';
import { TagIndex } from '../../src/format/reader/plugin-value.js';
import { loadRuns } from '../../src/index.js';
import { ExportSession } from '../../src/polyaxon/export/export-session.js';
import { parseAlert } from '../../src/run-directory/alerts-file.js';
import { mergeWorkers, parseRunFiles } from '../../src/run-directory/run-files.js';
import { parseGraphDef } from '../../src/summary/graph/graph-def.js';
import { layersModelToGraphDef } from '../../src/summary/graph/layers-model.js';
import { onnxToGraphDef } from '../../src/summary/graph/onnx-graph.js';
import { nodeIo } from '../../uploader/base/io/io.js';
import { parseRelPath } from '../../uploader/base/rel-path.js';
import { OutcomeError } from '../../uploader/base/retry-table.js';
import { createProgram } from '../../uploader/commands/program.js';
import { compact } from '../../uploader/operations/compact/compact.js';
import { checkFiles } from '../../uploader/operations/inspect/fsck.js';
import { inspect } from '../../uploader/operations/inspect/inspect.js';
import { decodeInspected } from '../../uploader/operations/inspect/inspected-value.js';
import { toPointText } from '../../uploader/operations/inspect/point-text.js';
import { repairFiles } from '../../uploader/operations/inspect/repair.js';
import { encodeJournalLine, LineScanner } from '../../uploader/pipeline/journal/journal-codec.js';
import type { JournalRecord } from '../../uploader/pipeline/journal/journal-entry.js';
import { parseManifest } from '../../uploader/pipeline/manifest/manifest.js';
import { IgnoreRules } from '../../uploader/pipeline/scan/ignore-rules.js';
import { PolyaxonClient } from '../../uploader/polyaxon-api/client.js';
import { findConnection } from '../../uploader/polyaxon-api/connection.js';
import { parseIndex } from '../../uploader/run-index/index-row.js';
import { readSettings } from '../../uploader/settings/settings.js';
import { resolveConfig } from '../../uploader/settings/sync-config.js';
import { openS3Store } from '../../uploader/store/s3/s3-store.js';
import { NO_TERMINAL } from '../support/no-terminal.js';
import type { Shape } from './mutate.js';

export interface Target {
  readonly shape: Shape;
  readonly seeds: () => readonly (string | Uint8Array)[];
  readonly run: (input: Buffer) => Promise<void> | void;
}

const home = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'polytrack-fuzz-'));
process.on('exit', () => rmSync(home, { recursive: true, force: true }));

const FIXTURES = join(process.cwd(), 'fixtures');
/** A line of an ignore file that is longer is unusual. */
const MAX_PATTERN = 4096;
const MAX_SEED_BYTES = 32 * 1024;
const EVENT_FILE = 'events.out.tfevents.1700000000.host';
const RUN = '0123456789abcdef'.repeat(2);
const REF = { owner: 'o', project: 'p', uuid: RUN };

/** Returns the small files of the fixtures with such names. */
function readFixtures(pattern: RegExp): Buffer[] {
  return readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name) && statSync(join(FIXTURES, name)).size <= MAX_SEED_BYTES)
    .sort()
    .map((name) => readFileSync(join(FIXTURES, name)));
}

const EVENT_FILES = () => readFixtures(/tfevents/);
const JSON_FILES = () => readFixtures(/\.json$/);

/** A directory with one event file. */
function writeEvents(input: Buffer): string {
  const directory = join(home, 'logs');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, EVENT_FILE), input);
  return directory;
}

function emptyDirectory(name: string): string {
  const path = join(home, name);
  rmSync(path, { recursive: true, force: true });
  return path;
}

const inMemory = (input: Buffer) => async () => ({
  findSize: async () => input.length,
  read: async (buffer: Uint8Array, position: number) =>
    input.copy(buffer, 0, Math.min(position, input.length)),
  close: async () => undefined,
});

async function exportEvents(input: Buffer): Promise<void> {
  const session = new ExportSession();
  const reader = new EventFileReader(EVENT_FILE, { onDamage: 'skip', open: inMemory(input) });
  const place = { target: 'events', logDirectory: '', fileName: EVENT_FILE } as const;
  for await (const batch of reader.readBatches()) {
    if (batch.kind === 'event') session.push(batch.event, { ...place, offset: batch.offset });
    else session.pushScalars(batch.scalars, { ...place, offset: batch.offset });
  }
  const { appends, assets } = session.take();
  for (const { path } of [...appends, ...assets])
    if (parseRelPath(path) === null) throw new Error(`the export writes ${path}`);
  new ExportSession().restore(session.state);
}

/** Loads a run whose files have this content, and merges them as the uploader does. */
async function readRun(input: Buffer): Promise<void> {
  const root = join(home, 'root');
  const directory = join(root, 'runs', RUN);
  mkdirSync(join(directory, '.plx'), { recursive: true });
  for (const name of [
    'run.plx.json',
    'lineages.plx.json',
    '.plx/order-main.json',
    '.plx/end-main.json',
    '.plx/worker-a.json',
  ])
    writeFileSync(join(directory, name), input);
  for await (const run of loadRuns(root)) {
    await run.artifacts();
  }
  const value = parseJson(input);
  mergeWorkers(parseRunFiles({ record: value, lineage: value, order: value, workers: [value], end: value }));
  parseAlert(input.toString('utf8'));
}

async function callApi(input: Buffer): Promise<void> {
  const status = [200, 200, 200, 400, 404, 500][input.length % 6]!;
  const send = async () => ({
    status,
    headers: { 'content-type': 'application/json' },
    body: Readable.from([input]),
  });
  const connection = await findConnection(
    { host: 'http://127.0.0.1:1' },
    { POLYAXON_NO_CONFIG: 'true' },
    nodeIo.fileSystem,
  );
  const client = new PolyaxonClient({ connection, transport: { send, close: async () => undefined } });
  for (const call of [
    () => client.installation(),
    () => client.getRun(REF),
    () => client.getStatuses(REF),
    () => client.getLineage(REF),
    () => client.getTree(REF, ''),
    () => client.patchRun(REF, { name: 'a' }),
  ])
    await call().catch(requireCode);
}

/** Sends requests whose answer is this XML. */
async function callS3(input: Buffer): Promise<void> {
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'made up' });
  const status = [200, 200, 400, 403, 404, 503][input.length % 6]!;
  const handle = async () => ({
    response: { statusCode: status, headers: {}, body: Readable.from([input]) },
  });
  const store = await openS3Store({
    ...{ bucket: 'bucket', prefix: 'a', region: 'us-east-1', endpoint: 'http://127.0.0.1:1' },
    requestHandler: { handle, destroy: () => undefined } as never,
  });
  await store.check().catch(requireCode);
  await store.head('key').catch(requireCode);
  const list = async () => {
    for await (const _ of store.list('')) {
      // Only the reading matters.
    }
  };
  await list().catch((error: unknown) => {
    if (!(error instanceof OutcomeError)) throw error;
    if (error.outcome.status === 'failed') requireCode(error.outcome.error);
  });
  await store.close();
}

async function parseArguments(input: Buffer): Promise<void> {
  const program = createProgram(
    {
      ...{ environment: { HOME: home }, signal: new AbortController().signal, io: nodeIo },
      ...{ stdout: () => undefined, stderr: () => undefined, columns: () => undefined },
      ...{ setExitCode: () => undefined, terminal: NO_TERMINAL },
    },
    '0.0.0',
  );
  for (const command of [program, ...program.commands])
    command
      .exitOverride()
      .configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
      .action(() => undefined);
  const args = input.toString('utf8').split('\n');
  await program.parseAsync(['node', 'polytrack', ...args]).catch((error: unknown) => {
    if (!(error instanceof CommanderError)) throw error;
  });
  const [command] = args;
  const flags = program.commands.find((each) => each.name() === command)?.opts() ?? {};
  await resolveConfig('.', { store: 'file:///tmp/x', ...flags }, { HOME: home }, nodeIo.fileSystem).catch(
    requireCode,
  );
}

/** The first line are patterns on the command line, the rest an ignore file; every line is also a path. */
function applyIgnoreRules(input: Buffer): void {
  const [first = '', ...rest] = input.toString('utf8').slice(0, MAX_PATTERN).split('\n');
  const rules = IgnoreRules.create({ include: [first], exclude: rest.slice(0, 2) }).extend(
    'a',
    rest.join('\n'),
  );
  for (const name of [first, ...rest, 'a'.repeat(200), 'a/'.repeat(50)].filter((each) => each !== ''))
    if (!name.includes('/')) rules.reasonFor('a/b', name, name.length % 2 === 0);
}

function parseJournal(input: Buffer): void {
  const scanner = new LineScanner(() => undefined);
  const half = input.length >> 1;
  scanner.push(input.subarray(0, half));
  scanner.push(input.subarray(half));
  const { goodBytes } = scanner.result();
  const again = new LineScanner(() => undefined);
  again.push(input.subarray(0, goodBytes));
  if (again.result().damage !== 'none') throw new Error('the good part of a journal is damaged');
}

async function readConfig(input: Buffer): Promise<void> {
  const path = join(home, 'config.json');
  writeFileSync(path, input);
  await readSettings({ config: path }, { HOME: home }, nodeIo.fileSystem);
}

/** The value, or an empty object if these bytes are not JSON: the callers of the target catch that. */
function parseJson(input: Buffer): unknown {
  try {
    return parseBoundedJson(input.toString('utf8'));
  } catch {
    return {};
  }
}

/** What `fsck --repair` removes. */
const DAMAGE = ['zeros', 'torn', 'length', 'data', 'event'];
const FILE = { sizeBytes: 3, mtimeNs: 1_700_000_000_123_456_789n, ctimeNs: 1n, ino: 2n };
const ENTRY = {
  key: `${RUN}/a`,
  file: FILE,
  crc32: 7,
  object: { etag: 'e', sizeBytes: 3 },
  isRecent: false,
  generation: 2,
};
const ORIGIN = { host: 'h', hostname: 'n', directory: '/r', ino: '7', birthNs: '1', createdAt: null };
const JOURNAL: readonly JournalRecord[] = [
  { kind: 'header', version: 1, rootKey: 'root', hostId: 'h', isSnapshot: true },
  { kind: 'done', entry: ENTRY, tx: 't' },
  {
    kind: 'intent',
    intent: { tx: 't', strategy: 'mpu', base: { etag: 'e', sizeBytes: 1 }, entry: ENTRY, targetBytes: 3 },
  },
  { kind: 'mpu', tx: 't', uploadId: 'u' },
  { kind: 'part', tx: 't', part: { number: 1, sizeBytes: 5, crc32: 1, etag: 'p' } as never },
  { kind: 'drop', tx: 't' },
  { kind: 'segment', segment: { key: `${RUN}/a`, generation: 0, start: 0, end: 3, crc32: 7 } },
  { kind: 'owner', owner: { runUuid: RUN, origin: ORIGIN, etag: 'v' } },
  { kind: 'conflict', conflict: { runUuid: RUN, found: 'f', hint: 'h' } },
  { kind: 'crashed', key: `${RUN}/a` },
  { kind: 'swept' },
  { kind: 'snapshot-end' },
];
const MANIFEST = [
  { kind: 'manifest', version: 1, run: RUN, store: 's3://b', written: '2026-11-25T08:31:21.000Z' },
  {
    path: 'a',
    size: 1,
    crc32: '8d2f1b90',
    sha256: 'a'.repeat(64),
    etag: 'e',
    verified: '2026-11-25T08:31:21.000Z',
    proof: 'commit',
  },
  { kind: 'end', files: 1 },
]
  .map((line) => JSON.stringify(line))
  .join('\n');
const INDEX_HEADER = JSON.stringify({ kind: 'run-index', version: 1 });
const INDEX_ROW = {
  ...{
    uuid: RUN,
    isEnded: true,
    version: 'v',
    atMs: 1,
    name: 'n',
    tags: ['t'],
    inputs: { a: 1 },
    outputs: {},
    goals: {},
  },
  ...{
    durationSeconds: 1,
    createdAt: '2026-11-25T08:31:21.000Z',
    metrics: [['loss', '', 1, 2, 3, 1, 2, 3, 4, 5, 6]],
  },
};
const API_ANSWERS = [
  { version: '2.16.1', dist: 'ce' },
  {
    uuid: RUN,
    name: 'n',
    status: 'running',
    owner: 'o',
    project: 'p',
    tags: ['a'],
    inputs: { a: 1 },
    created_at: '2026-11-25',
  },
  {
    status: 'running',
    status_conditions: [{ type: 'running', status: true, last_transition_time: '2026-11-25' }],
  },
  {
    count: 1,
    next: '/?offset=1',
    results: [{ name: 'a', kind: 'metric', path: 'p', summary: { a: 1 }, state: RUN }],
  },
  { files: { a: 1 }, dirs: ['b'] },
].map((answer) => JSON.stringify(answer));
const S3_ANSWERS = [
  '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>a/</Prefix><KeyCount>1</KeyCount><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken><Contents><Key>a/b</Key><Size>3</Size><ETag>&quot;e&quot;</ETag><LastModified>2026-11-25T08:31:21.000Z</LastModified></Contents></ListBucketResult>',
  '<Error><Code>NoSuchBucket</Code><Message>a &lt; b</Message><Region>eu</Region></Error>',
];
const CONFIG = JSON.stringify({
  store: 's3://b/p',
  interval: 3,
  exclude: ['*'],
  mirror: true,
  bandwidth: '1MB',
  http: '9400',
});
const ARGUMENTS = [
  ['sync', 'a', '--store', 's3://b', '--exclude', '*', '--interval', '3', '--verbose'],
  ['runs', 'a', '--sort', 'loss', '--where', 'lr<1', '--json'],
  ['export', 'a', '--output', 'x.csv', '--metrics', 'loss'],
  ['compare', 'a', 'b', '--columns', 'x'],
  ['clean', 'a', '--older-than', '7d', '--until-free', '50GB', '--keep', '10'],
].map((args) => args.join('\n'));

export const TARGETS: Readonly<Record<string, Target>> = {
  reader: {
    ...{ shape: 'events', seeds: EVENT_FILES },
    run: async (input) => {
      for (const onDamage of ['skip', 'throw'] as const) {
        const reader = new EventFileReader(EVENT_FILE, { onDamage, open: inMemory(input) });
        const index = new TagIndex();
        for await (const { event } of reader.read())
          if (event.what.kind === 'summary')
            for (const value of event.what.values) toPointText(decodeInspected(index, value));
      }
    },
  },
  inspect: {
    ...{ shape: 'events', seeds: EVENT_FILES },
    run: async (input) => {
      const directory = writeEvents(input);
      const [run] = await inspect(directory);
      const [tag] = run?.tags ?? [];
      if (tag !== undefined) await inspect(directory, { tag: tag.tag });
    },
  },
  repair: {
    ...{ shape: 'events', seeds: EVENT_FILES },
    run: async (input) => {
      const directory = writeEvents(input);
      await checkFiles(directory);
      const repaired = emptyDirectory('repaired');
      await repairFiles(directory, repaired);
      const left = (await checkFiles(repaired)).flatMap(({ problems }) => problems);
      const damage = left.find(({ kind }) => DAMAGE.includes(kind));
      if (damage !== undefined) throw new Error(`a repaired file is damaged: ${damage.kind}`);
    },
  },
  compact: {
    ...{ shape: 'events', seeds: EVENT_FILES },
    run: async (input) => {
      await compact(writeEvents(input), { output: emptyDirectory('compacted') });
    },
  },
  export: { shape: 'events', seeds: EVENT_FILES, run: exportEvents },
  run: { shape: 'json', seeds: JSON_FILES, run: readRun },
  journal: {
    shape: 'journal',
    seeds: () => [
      JOURNAL.map((record, line) => encodeJournalLine(line, record as JournalRecord).toString()).join(''),
    ],
    run: parseJournal,
  },
  manifest: {
    shape: 'json',
    seeds: () => [MANIFEST, JSON.stringify(INDEX_ROW)],
    run: (input) => {
      parseManifest(input);
      parseIndex(gzipSync(Buffer.concat([Buffer.from(`${INDEX_HEADER}\n`), input])));
      parseIndex(input);
    },
  },
  api: { shape: 'json', seeds: () => [...JSON_FILES(), ...API_ANSWERS], run: callApi },
  s3: { shape: 'bytes', seeds: () => S3_ANSWERS, run: callS3 },
  config: { shape: 'json', seeds: () => [CONFIG], run: readConfig },
  ignore: {
    shape: 'bytes',
    seeds: () => ['*.ckpt\n!keep\n/a/**/b\n[a-z]?\\ \n# c\n'],
    run: applyIgnoreRules,
  },
  graph: {
    ...{ shape: 'bytes', seeds: () => readFixtures(/\.onnx$|\.pb$/) },
    run: (input) => {
      for (const convert of [onnxToGraphDef, parseGraphDef])
        try {
          convert(input);
        } catch (error) {
          requireCode(error);
        }
    },
  },
  layers: {
    shape: 'json',
    seeds: () => readFixtures(/tfjs.*\.json$/),
    run: (input) => void layersModelToGraphDef(parseJson(input)),
  },
  arguments: { shape: 'bytes', seeds: () => ARGUMENTS, run: parseArguments },
};

/** Throws anything that has no stable code. */
export function requireCode(error: unknown): void {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  const isCoded = error instanceof CodedError && /^ERR_[A-Z0-9_]+$/.test(error.code) && error.hint !== '';
  const isOfTheSystem = error instanceof Error && 'syscall' in error && typeof code === 'string';
  if (!isCoded && !isOfTheSystem) throw error;
}
