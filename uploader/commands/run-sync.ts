/** Runs `sync` and `import`: syncs each path, prints the report, and sets the exit code. */

import { resolve } from 'node:path';
import { joinLines } from '../../src/base/printable-text.js';
import { ConfigError } from '../base/errors.js';
import { sync } from '../engine/sync.js';
import { watch } from '../engine/watch.js';
import { findRunPath } from '../operations/runs/find-run.js';
import type { SyncReport } from '../pipeline/report/sync-report.js';
import { readRunUuid } from '../run-directory/run-uuid.js';
import { resolveConfig, type SyncFlags } from '../settings/sync-config.js';
import { type CommandContext, EXIT, type ExitCode } from './context.js';
import { reportError } from './print-error.js';
import { createProgressDisplay } from './sync-progress.js';
import { toJson, toJsonReport, toSummaryText } from './sync-summary.js';

/** The default store of Polyaxon commands: the server of `POLYAXON_HOST`. */
export const POLYAXON_FROM_ENVIRONMENT = 'polyaxon://';

/** Syncs one path. */
export async function runSync(path: string, flags: SyncFlags, context: CommandContext): Promise<void> {
  await withExitCode(flags, context, async () => {
    const { report, sources } = await syncPath(path, flags, context);
    const isVerbose = flags.verbose === true;
    context.stdout(
      flags.json === true
        ? toJson(report, sources)
        : toSummaryText(report, isVerbose, context.output?.hasColor),
    );
    return report.isComplete ? EXIT.complete : EXIT.unsent;
  });
}

/** Syncs several paths in sequence. A failure of one path does not stop the others. */
export async function runSyncAll(
  paths: readonly string[],
  flags: SyncFlags,
  context: CommandContext,
): Promise<void> {
  const reports: SyncReport[] = [];
  let worst: ExitCode = EXIT.complete;
  for (const path of paths) {
    if (context.signal.aborted) worst = EXIT.unsent;
    else
      await withExitCode(
        flags,
        { ...context, setExitCode: (code) => (worst = toWorse(worst, code)) },
        async () => {
          if (flags.json !== true) context.stderr(joinLines([path]));
          const { report } = await syncPath(path, flags, context);
          reports.push(report);
          if (flags.json !== true)
            context.stdout(toSummaryText(report, flags.verbose === true, context.output?.hasColor));
          return report.isComplete ? EXIT.complete : EXIT.unsent;
        },
      );
  }
  if (flags.json === true) context.stdout(`${JSON.stringify(reports.map(toJsonReport), null, 2)}\n`);
  context.setExitCode(worst);
}

async function syncPath(argument: string, flags: SyncFlags, context: CommandContext) {
  const isVerbose = flags.verbose === true;
  const isEndless = flags.live === true && flags.dryRun !== true;
  const display = createProgressDisplay(context, { isQuiet: flags.json === true, isVerbose, isEndless });
  try {
    const path = await findRunPath(argument, context);
    await checkSingleRun(path, flags, context);
    const { config, sources } = await resolveConfig(
      path,
      { ...flags, mayOnlyReport: true, mayOverrideProject: flags.assumeEnded !== true },
      context.environment,
      context.io.fileSystem,
    );
    if (isVerbose)
      for (const [name, source] of Object.entries(sources)) context.stderr(joinLines([`${name}: ${source}`]));
    if (flags.newUuid === true)
      context.stderr(
        `new uuid: ${String(config.asRun)}; to continue this upload later, pass --as-run ${String(config.asRun)}\n`,
      );
    const { io, signal } = context;
    const options = { io, signal, onEvent: display.onEvent };
    const report = await (isEndless
      ? watch(config, { ...options, endsWithRuns: true, onStatus: display.onStatus })
      : sync(config, options));
    return { report, sources };
  } finally {
    display.end();
  }
}

/** Rejects another name or uuid for a path that is not exactly one run. */
async function checkSingleRun(
  path: string,
  { as, newUuid, asRun }: SyncFlags,
  { io }: CommandContext,
): Promise<void> {
  if ((as === undefined && newUuid !== true) || asRun !== undefined) return;
  if ((await readRunUuid(io.fileSystem, Buffer.from(resolve(path)))) !== null) return;
  const flag = newUuid === true ? '--new-uuid' : '--as';
  throw new ConfigError(
    `${flag}: ${path} is not the directory of one run`,
    `Pass a run, such as ${path}/runs/<uuid>.`,
  );
}

async function withExitCode(
  { verbose }: SyncFlags,
  context: CommandContext,
  work: () => Promise<ExitCode>,
): Promise<void> {
  try {
    context.setExitCode(await work());
  } catch (error) {
    reportError(context, error, verbose === true);
  }
}

/** An incomplete upload outranks a refused one. */
function toWorse(a: ExitCode, b: ExitCode): ExitCode {
  if (a === EXIT.unsent || b === EXIT.unsent) return EXIT.unsent;
  return a === EXIT.complete ? b : a;
}
