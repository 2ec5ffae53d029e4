/** Creates the options of a command from the table of settings. */

import { type Command, Option } from 'commander';
import { type CommandName, GROUPS, type Row, toFlag, variablesOf } from '../settings/table.js';

/** Adds every flag of the command, in the order of the table. */
export function addOptions(command: Command): Command {
  const name = command.name() as CommandName;
  for (const [heading, rows] of Object.entries(GROUPS))
    for (const [key, row] of Object.entries(rows))
      if (row.commands.includes(name))
        for (const option of toOptions(key, row, name)) command.addOption(option.helpGroup(`${heading}:`));
  return command;
}

/** On/off settings get both flags, so that a flag can override variables and the configuration file in either direction. */
function toOptions(key: string, row: Row, command: CommandName): Option[] {
  const { type, short, negation, default: usual } = row;
  const variables = variablesOf(key);
  const flag = [`${short === undefined ? '' : `${short}, `}${toFlag(key)}`, type.placeholder]
    .join(' ')
    .trim();
  const notes = [type.range, toDefaultText(row, command), ...variables].filter((note) => note !== undefined);
  const on = new Option(flag, withNotes(row.helpFor?.[command] ?? row.help, notes)).hideHelp(usual === true);
  const isNegatable = negation !== undefined || usual === false;
  if (!isNegatable) return [on];
  const offNotes = usual === true ? variables.map((variable) => `${variable}=false`) : [];
  const off = new Option(toFlag(key).replace('--', '--no-'), withNotes(negation ?? '', offNotes));
  return [on, off.hideHelp(negation === undefined)];
}

function toDefaultText({ default: usual, unset, unsetFor }: Row, command: CommandName): string | undefined {
  const text = unsetFor?.[command] ?? unset ?? (typeof usual === 'number' ? String(usual) : undefined);
  return text === undefined ? undefined : `default: ${text}`;
}

function withNotes(sentence: string, notes: readonly string[]): string {
  return notes.length === 0 ? sentence : `${sentence} (${notes.join('; ')})`;
}
