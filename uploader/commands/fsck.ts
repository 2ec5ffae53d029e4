/** `polytrack fsck`: checks event files for damage. */

import type { Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { checkFiles, type FileCheck, PROBLEM_TEXTS } from '../operations/inspect/fsck.js';
import { type RepairedFile, repairFiles } from '../operations/inspect/repair.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT } from './context.js';
import { formatBytes, formatCount } from './format.js';
import { addOptions } from './options.js';
import { reportFailure } from './print-error.js';

export function addFsckCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('fsck')
    .summary('check event files, and write repaired copies')
    .description(
      'Check every record of event files, and print how TensorBoard handles each problem. Never changes the files.',
    )
    .argument('<path>', 'an event file, or a directory with event files at any depth');
  addOptions(command)
    .addHelpText('after', '\nExit codes:\n  0  no problems\n  1  a file is damaged\n  2  no event files\n')
    .action((path: string, flags: Flags) => runFsck(path, flags, context));
}

async function runFsck(path: string, { repair, json }: Flags, context: CommandContext): Promise<void> {
  try {
    const checks = await checkFiles(path, context.signal);
    if (checks.length === 0) {
      context.stderr(joinLines([`${path}: no event files`]));
      context.setExitCode(EXIT.refused);
      return;
    }
    const repaired = repair === undefined ? [] : await repairFiles(path, repair, context.signal);
    if (json === true) context.stdout(`${JSON.stringify({ files: checks, repaired }, null, 2)}\n`);
    else context.stdout([...checks.map(toCheckText), ...repaired.map(toRepairText)].join(''));
    const isSound = checks.every(({ problems }) => problems.length === 0);
    context.setExitCode(isSound ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    reportFailure(context, path, error);
  }
}

function toCheckText({ path, records, problems }: FileCheck): string {
  const verdict = problems.length === 0 ? 'no problems' : formatCount(problems.length, 'problem');
  const lines = problems.flatMap(({ kind, offset, sizeBytes }) => {
    const { what, rust, python } = PROBLEM_TEXTS[kind];
    const size = sizeBytes === 0 ? '' : `, ${formatBytes(sizeBytes)}`;
    return [
      `  byte ${offset}${size}: ${what}`,
      `    TensorBoard: ${rust}`,
      `    TensorBoard with --load_fast false: ${python}`,
    ];
  });
  return joinLines([`${path}: ${formatCount(records, 'record')}, ${verdict}`, ...lines]);
}

function toRepairText({ to, records, leftOutBytes, changedWallTimes }: RepairedFile): string {
  const changed = changedWallTimes === 0 ? '' : `, ${formatCount(changedWallTimes, 'wall time')} changed`;
  return joinLines([
    `${to}: ${formatCount(records, 'record')} copied, ${formatBytes(leftOutBytes)} dropped${changed}`,
  ]);
}
