/** `polytrack doctor`: checks the set-up, and says what to do. */

import type { Command } from 'commander';
import { largestOf } from '../../src/base/largest-of.js';
import { toPrintable } from '../../src/base/printable-text.js';
import { formatCount } from '../base/format.js';
import { examine } from '../operations/doctor/doctor.js';
import type { DoctorFinding } from '../operations/doctor/finding.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT, toInterruptHelp, toTableOptions } from './context.js';
import { addOptions } from './options.js';
import { joinPainted, paint, type TerminalColor } from './paint.js';
import { reportFailure } from './print-error.js';
import { RUN_PATH } from './run-names.js';
import type { TableOptions } from './table.js';
import { wrapColumns } from './text-columns.js';

const EXIT_HELP = `
Exit codes:
  0  no problems; warnings do not count
  1  there is a problem
  2  nothing was checked: wrong usage
${toInterruptHelp('nothing is printed')}`;

export function addDoctorCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('doctor')
    .summary('check the set-up, and say what to do')
    .description(
      'Check programs and packages, settings, the root and its runs, uploads, and the store if one is set. Writes only small files into root, state directory and store, and removes them again.',
    )
    .argument('[path]', `a root, ${RUN_PATH}, or any log directory; without it, the default roots`);
  addOptions(command)
    .addHelpText('after', EXIT_HELP)
    .action((path: string | undefined, flags: Flags) => runDoctor(path, flags, context));
}

async function runDoctor(path: string | undefined, flags: Flags, context: CommandContext): Promise<void> {
  try {
    const findings = await examine(path, { ...context, flags });
    const problems = count(findings, 'problem');
    const warnings = count(findings, 'warning');
    context.stdout(
      flags.json === true
        ? `${JSON.stringify({ problems, warnings, findings }, null, 2)}\n`
        : toDoctorText(findings, toTableOptions(context)),
    );
    context.setExitCode(problems === 0 ? EXIT.complete : EXIT.unsent);
  } catch (error) {
    reportFailure(context, path ?? '.', error);
  }
}

function count(findings: readonly DoctorFinding[], level: DoctorFinding['level']): number {
  return findings.filter((each) => each.level === level).length;
}

const COLORS: Readonly<Record<DoctorFinding['level'], TerminalColor>> = {
  ok: 'green',
  warning: 'yellow',
  problem: 'red',
};
const LEVEL_COLUMNS = 'problem'.length;
const GAP = '  ';

export function toDoctorText(findings: readonly DoctorFinding[], options: TableOptions): string {
  const nameColumns = largestOf(findings.map(({ name }) => name.length));
  return joinPainted([
    ...findings.flatMap((finding) => toLines(finding, nameColumns, options)),
    `${formatCount(count(findings, 'problem'), 'problem')}, ${formatCount(count(findings, 'warning'), 'warning')}`,
  ]);
}

/** Level and name, and beside them what was found and what to do. */
function toLines(
  { name, level, found, advice }: DoctorFinding,
  nameColumns: number,
  { width = Number.POSITIVE_INFINITY, hasColor }: TableOptions,
): string[] {
  const indent = LEVEL_COLUMNS + nameColumns + 2 * GAP.length;
  const texts = [found, ...(advice === null ? [] : [`→ ${advice}`])];
  const lines = texts.flatMap((text) => wrapColumns(toPrintable(text), width - indent));
  const label = level.padEnd(LEVEL_COLUMNS);
  const head = [hasColor === true ? paint(label, COLORS[level]) : label, name.padEnd(nameColumns), ''];
  return lines.map((line, index) => (index === 0 ? head.join(GAP) : ' '.repeat(indent)) + line);
}
