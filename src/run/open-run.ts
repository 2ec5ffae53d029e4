/**
 * Creates the parts of a run: its context, record, run directory, event files and capture.
 */

import { join } from 'node:path';
import { type Clock, systemClock } from '../base/clock.js';
import { Diagnostics } from '../base/diagnostics.js';
import { checkOptions } from '../base/options.js';
import { toWellFormedText } from '../base/well-formed-text.js';
import { createMasker, type Masker } from '../capture/secrets.js';
import { EventLog } from '../event-log/event-log.js';
import {
  type ResolvedEventFileOptions,
  resolveEventFileOptions,
} from '../format/writer/event-file-options.js';
import type { EventSink } from '../format/writer/event-sink.js';
import { hideFiles } from '../format/writer/hidden-sink.js';
import { nullSink } from '../format/writer/null-sink.js';
import { PolyaxonFiles } from '../polyaxon/export/in-process-exporter.js';
import {
  mergeMetadata,
  type RunArtifact,
  type RunRecord,
  toIsoTime,
  withStatus,
} from '../polyaxon/run-record.js';
import {
  MAIN_WRITER,
  RESOURCES_TENSORBOARD_DIRECTORY,
  TENSORBOARD_DIRECTORY,
} from '../run-directory/layout.js';
import { RunDirectory } from '../run-directory/run-directory.js';
import { Announcement, isAnnounced } from './announcement.js';
import { resolveResume } from './find-resumed-run.js';
import { STATUS_REASON } from './metadata.js';
import { lastScalars, MetricResults, toResults } from './metric-results.js';
import { resolveReport } from './report-run.js';
import { RunCapture } from './run-capture.js';
import { RunContext } from './run-context.js';
import { type RunEnvironment, resolveRunEnvironment } from './run-environment.js';
import {
  DEFAULT_NAME,
  type NamedRunOptions,
  parseInterval,
  parseMaxLogBytes,
  parseOnError,
  parseSync,
  parseTags,
  RUN_OPTIONS,
  type RunOptions,
  resolveRunName,
} from './run-options.js';
import { HParamsRunSession } from './run-session.js';
import { parseTraceMetrics } from './span-metrics.js';
import { SyncProcess } from './sync-process.js';

export interface OpenedRun {
  readonly context: RunContext;
  readonly capture: RunCapture;
  readonly announcement: Announcement;
  readonly heartbeatIntervalMs: number;
  readonly sync: SyncProcess | undefined;
  /** Writes all buffered events to disk. Rejects like `flush` of an event file writer. */
  flush(): Promise<void>;
  close(): Promise<void>;
  /** Does the same as `flush`, synchronously, for the exit of the process. */
  drain(): void;
  /** Lineage entries of events; empty unless Polyaxon event files are written. */
  exportedArtifacts(): readonly RunArtifact[];
  readonly results: MetricResults;
}

/** Event files of one kind, and the Polyaxon event files that are exported from them. */
interface Log {
  readonly events: EventLog;
  readonly files: PolyaxonFiles | undefined;
}

/** Opens a run. Throws the errors that the constructor of `Run` documents. */
export function openRun(given: NamedRunOptions, env: NodeJS.ProcessEnv): OpenedRun {
  const misuse = findMisuse(given);
  parseOnError(given.onError);
  const options = resolveResume(given, env);
  const environment = resolveRunEnvironment(options, env);
  const masker = createMasker(env);
  const name = masker.maskText(resolveRunName(options.name ?? given[DEFAULT_NAME]));
  const tags =
    options.tags === undefined ? undefined : parseTags(options.tags).map((tag) => masker.maskText(tag));
  const heartbeatIntervalMs = parseInterval('heartbeatIntervalMs', options);
  const resourcesIntervalMs = parseInterval('resourcesIntervalMs', options);
  const maxLogBytes = parseMaxLogBytes(options);
  const sync = environment.mode === 'no-op' ? undefined : parseSync(options.sync);
  const diagnostics = createDiagnostics(options);
  const syncOptions = resolveReport(sync, environment, options, env, diagnostics);
  const isContinued = environment.isPlatformRun || environment.writer !== MAIN_WRITER;
  const eventOptions = resolveEventFileOptions({
    ...options,
    resume: options.resume ?? isContinued,
    clock: options.clock ?? systemClock,
    diagnostics,
  });
  const { clock } = eventOptions;
  const directory = new RunDirectory(
    environment.paths,
    {
      ...createRecord(environment, name, clock.wallTime(), toDescription(options.description, masker), tags),
      ...(options.name === undefined ? { default_name: name } : {}),
    },
    {
      diagnostics,
      fsync: eventOptions.fsync,
      resume: eventOptions.resume !== false,
      writer: environment.writer,
      link: environment.hasLink,
      persist: environment.mode !== 'no-op',
      formats: environment.formats,
      mayLackFiles: environment.isPlatformRun,
    },
  );
  startRecord(directory, environment, clock);
  const log = openLog(environment, directory, 'events', { ...eventOptions, filter: options.filter });
  const resources = environment.collectsResources
    ? // Measurements have no step of the training, so none is written again.
      openLog(environment, directory, 'resources', {
        ...eventOptions,
        resume: eventOptions.resume !== false,
      })
    : undefined;
  const hasSession =
    options.hparams !== false && environment.collectsEvents && environment.logDirectory === '';
  const context = new RunContext({
    environment,
    clock,
    diagnostics,
    masker,
    directory,
    events: log.events,
    session: hasSession
      ? new HParamsRunSession({
          writer: log.events.writer,
          clock,
          diagnostics,
          readInputs: () => directory.record.inputs ?? {},
        })
      : undefined,
    warnsOnMisuse: options.onError === 'warn',
    traceMetrics: parseTraceMetrics(options.traceMetrics),
  });
  if (misuse !== undefined) context.reportMisuse(misuse);
  const capture = new RunCapture({
    environment,
    clock,
    diagnostics,
    masker,
    resources: resources?.events,
    resourcesIntervalMs,
    maxLogBytes,
  });
  const logs = resources === undefined ? [log] : [log, resources];
  return {
    context,
    capture,
    announcement: new Announcement(context, isAnnounced(environment.announces)),
    heartbeatIntervalMs,
    sync:
      syncOptions === undefined
        ? undefined
        : new SyncProcess(environment.paths.run, syncOptions, { diagnostics, clock }),
    flush: () => forEachLog(logs, ({ events }) => events.flush()),
    close: () => forEachLog(logs, ({ events }) => events.close()),
    drain: () => {
      for (const { events, files } of logs) {
        events.drain();
        files?.write();
      }
    },
    exportedArtifacts: () => logs.flatMap(({ files }) => files?.artifacts() ?? []),
    results: new MetricResults(
      () =>
        log.files?.lastValues() ??
        toResults(lastScalars(log.events.writer.scalarRanges()), environment.logDirectory),
      directory.record.outputs,
      log.files?.supersededValues(),
    ),
  };
}

/** Throws for an invalid option; with `onError: 'warn'` returns the error, to be reported once the run exists. */
function findMisuse(options: RunOptions): unknown {
  try {
    checkOptions('new Run', options ?? null, RUN_OPTIONS);
    return undefined;
  } catch (error) {
    if (options?.onError === 'warn') return error;
    throw error;
  }
}

function createDiagnostics({ onError, onWarning }: RunOptions): Diagnostics {
  return new Diagnostics({ onWarning, onError: typeof onError === 'function' ? onError : undefined });
}

function openLog(
  environment: RunEnvironment,
  record: RunDirectory,
  target: 'events' | 'resources',
  options: ResolvedEventFileOptions & Pick<RunOptions, 'filter'>,
): Log {
  const { logDirectory } = environment;
  const base = target === 'events' ? TENSORBOARD_DIRECTORY : RESOURCES_TENSORBOARD_DIRECTORY;
  const directory = join(environment.paths.run, base, logDirectory);
  // TensorBoard would show system metrics as another run.
  const hide = (sink: EventSink): EventSink => (target === 'resources' ? hideFiles(sink) : sink);
  if (!environment.collectsEvents)
    return { events: new EventLog(directory, { ...options, sink: nullSink }), files: undefined };
  if (!environment.formats.has('polyaxon'))
    return { events: new EventLog(directory, { ...options, sink: hide(options.sink) }), files: undefined };
  const files = new PolyaxonFiles({
    runDirectory: environment.paths.run,
    directory,
    logDirectory,
    target,
    sink: options.sink,
    diagnostics: options.diagnostics,
    clock: options.clock,
    flushIntervalMs: options.flushIntervalMs,
    onInputs: (inputs) => record.update((before) => mergeMetadata(before, { inputs })),
  });
  // Before the writer opens the directory: it may remove the superseded events.
  const { resume } = options;
  if (resume !== false) files.rebuild(resume === true ? undefined : resume.fromStep);
  return { events: new EventLog(directory, { ...options, sink: hide(files.sink) }), files };
}

async function forEachLog(logs: readonly Log[], work: (log: Log) => Promise<void>): Promise<void> {
  const results = await Promise.allSettled(logs.map(work));
  for (const { files } of logs) files?.settle();
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

function toDescription(description: string | undefined, masker: Masker): string | undefined {
  return description === undefined ? undefined : masker.maskText(toWellFormedText(description).text);
}

function createRecord(
  { uuid, owner, project, isPlatformRun }: RunEnvironment,
  name: string,
  wallTime: number,
  description: string | undefined,
  tags: readonly string[] | undefined,
): RunRecord {
  const record: RunRecord = {
    uuid,
    name,
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined ? {} : { tags }),
    ...(owner === undefined ? {} : { owner }),
    ...(project === undefined ? {} : { project }),
    kind: 'job',
    runtime: 'job',
    is_managed: isPlatformRun,
    managed_by: isPlatformRun ? 'agent' : 'user',
    created_at: toIsoTime(wallTime),
    status: 'created',
    status_conditions: [],
  };
  return withStatus(record, 'created', wallTime, { reason: STATUS_REASON, message: 'Operation is starting' });
}

/** Records the event files and sets the status `running`, also when the run had ended and is resumed. */
function startRecord(directory: RunDirectory, { writer }: RunEnvironment, clock: Clock): void {
  if (writer !== MAIN_WRITER) return;
  directory.addArtifacts([
    {
      name: 'tensorboard',
      kind: 'tensorboard',
      path: TENSORBOARD_DIRECTORY,
      summary: { path: TENSORBOARD_DIRECTORY },
      is_input: false,
    },
  ]);
  directory.update((record) =>
    withStatus(
      { ...record, meta_info: { ...record.meta_info, has_tensorboard: true } },
      'running',
      clock.wallTime(),
      { reason: STATUS_REASON, message: 'Operation is running' },
    ),
  );
}
