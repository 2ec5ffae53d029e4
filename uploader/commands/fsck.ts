/** `polytrack fsck`: checks event files for damage. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { formatBytes, formatCount } from '../base/format.js';
import { checkFiles, type FileCheck, PROBLEM_TEXTS } from '../operations/inspect/fsck.js';
import { type RepairedFile, repairFiles } from '../operations/inspect/repair.js';
import {
  findHidden,
  type HiddenValues,
  readShown,
  type ShownFailure,
  toReasonLines,
} from '../operations/inspect/shown.js';
import { findRunPath } from '../operations/runs/find-run.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT } from './context.js';
import { addOptions } from './options.js';
import { reportFailure } from './print-error.js';
import { RUN_PATH } from './run-names.js';

export function addFsckCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('fsck')
    .summary('check event files, and write repaired copies')
    .description(
      'Check every record of event files, and print how TensorBoard handles each problem, and which values it does not show. Never changes the files.',
    )
    .argument('<path>', `an event file, a directory with event files at any depth, or ${RUN_PATH}`);
  addOptions(command)
    .addHelpText(
      'after',
      '\nExit codes:\n  0  no problems\n  1  a file is damaged, or TensorBoard does not show all values\n  2  no event files\n',
    )
    .action((path: string, flags: Flags) => runFsck(path, flags, context));
}

async function runFsck(argument: string, { repair, json }: Flags, context: CommandContext): Promise<void> {
  try {
    const path = await findRunPath(argument, context);
    const checks = await checkFiles(path, context.signal);
    if (checks.length === 0) {
      context.stderr(joinLines([`${path}: no event files`]));
      context.setExitCode(EXIT.refused);
      return;
    }
    const repaired = repair === undefined ? [] : await repairFiles(path, repair, context.signal);
    const runs = await readShown(path, { signal: context.signal });
    const hidden = findHidden(runs);
    const failures = runs.flatMap(({ run, failures: found }) =>
      found.map((failure) => ({ run, ...failure })),
    );
    if (json === true)
      context.stdout(`${JSON.stringify({ files: checks, hidden, failures, repaired }, null, 2)}\n`);
    else {
      const texts = [...checks.map(toCheckText), ...hidden.map(toHiddenText), ...failures.map(toFailureText)];
      context.stdout([...texts, ...repaired.map(toRepairText)].join(''));
    }
    const isUndamaged = checks.every(({ problems }) => problems.length === 0);
    const isSound = isUndamaged && hidden.length === 0 && failures.length === 0;
    context.setExitCode(isSound ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    reportFailure(context, argument, error);
  }
}

function toCheckText({ path, isHidden, records, problems }: FileCheck): string {
  const verdict = problems.length === 0 ? 'no problems' : formatCount(problems.length, 'problem');
  const lines = problems.flatMap(({ kind, offset, sizeBytes }) => {
    const { what, rust, python } = PROBLEM_TEXTS[kind];
    const size = sizeBytes === 0 ? '' : `, ${formatBytes(sizeBytes)}`;
    const problem = `  byte ${offset}${size}: ${what}`;
    if (isHidden) return [problem, '    TensorBoard: does not read this file'];
    return [problem, `    TensorBoard: ${rust}`, `    TensorBoard with --load_fast false: ${python}`];
  });
  return joinLines([`${path}: ${formatCount(records, 'record')}, ${verdict}`, ...lines]);
}

const READERS = { fast: 'TensorBoard', python: 'TensorBoard with --load_fast false', polyaxon: 'Polyaxon' };

function toHiddenText({ run, tag, viewer, values, shown, hidden }: HiddenValues): string {
  return joinLines([
    `run ${run}, tag ${tag}: ${READERS[viewer]} shows ${shown} of ${formatCount(values, 'value')}`,
    ...toReasonLines(hidden).map((line) => `  ${line}`),
  ]);
}

function toFailureText({ run, tag, viewer, plugin, scope }: ShownFailure & { readonly run: string }): string {
  const what =
    scope === 'page' ? `the page ${plugin} fails for all runs` : `the page ${plugin} cannot show the tag`;
  return joinLines([`run ${run}, tag ${tag}: ${what} in ${READERS[viewer]}`]);
}

function toRepairText({ to, records, leftOutBytes, changedWallTimes }: RepairedFile): string {
  const changed = changedWallTimes === 0 ? '' : `, ${formatCount(changedWallTimes, 'wall time')} changed`;
  return joinLines([
    `${to}: ${formatCount(records, 'record')} copied, ${formatBytes(leftOutBytes)} dropped${changed}`,
  ]);
}
