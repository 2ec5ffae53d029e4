/** Finds what can stand at the end of a command line, from the commands and options of the program. Pure. */

import type { Argument, Command, Option } from 'commander';
import { RUN_NAMES, RUN_PATH } from './run-names.js';

export interface Candidate {
  readonly text: string;
  readonly description: string;
}

export interface Expected {
  /** The incomplete word: candidates begin with it. */
  readonly word: string;
  /** What stands before it in the same word of the shell: `--format=`. */
  readonly prefix: string;
  readonly candidates: readonly Candidate[];
  /** Whether the shell also completes paths. */
  readonly paths: 'none' | 'files' | 'directories';
  /** Whether a run can stand here. */
  readonly takesRun: boolean;
}

type Values = Pick<Expected, 'candidates' | 'paths' | 'takesRun'>;

const NOTHING: Values = { candidates: [], paths: 'none', takesRun: false };
const FILES: Values = { ...NOTHING, paths: 'files' };

/** `words`: those after the name of the program; the last one is incomplete, or empty. */
export function findExpected(program: Command, words: readonly string[]): Expected {
  const typed = words.map(unquote);
  const word = typed.at(-1) ?? '';
  const before = typed.slice(0, -1);
  const plain = { word, prefix: '' };
  const place = before.findIndex((each) => !each.startsWith('-'));
  const command = place === -1 ? program : findCommand(program, before[place]!);
  if (command === program)
    return {
      ...plain,
      ...NOTHING,
      candidates: word.startsWith('-') ? listOptions(program) : listCommands(program),
    };
  if (command === undefined) {
    const isHelp = before[place] === 'help' && before.length === place + 1;
    return { ...plain, ...NOTHING, candidates: isHelp ? listCommands(program) : [] };
  }

  const { option, operands, isAfterDashes } = readWords(command, before.slice(place + 1));
  const [, flag, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? [];
  if (flag !== undefined && !isAfterDashes) {
    const given = command.options.find(({ long }) => long === flag);
    return {
      word: value ?? '',
      prefix: `${flag}=`,
      ...(given === undefined ? NOTHING : toOptionValues(given)),
    };
  }
  if (option?.required === true && option.isPending) return { ...plain, ...toOptionValues(option.option) };
  if (word.startsWith('-') && !isAfterDashes)
    return { ...plain, ...NOTHING, candidates: listOptions(command) };
  const values = toArgumentValues(command, operands);
  if (option === undefined) return { ...plain, ...values };
  // The word may be a further value of the option, or the next argument.
  const own = toOptionValues(option.option);
  return {
    ...plain,
    candidates: [...own.candidates, ...values.candidates],
    paths: values.paths === 'none' ? own.paths : values.paths,
    takesRun: values.takesRun,
  };
}

function findCommand(program: Command, name: string): Command | undefined {
  return program.commands.find((each) => each.name() === name || each.aliases().includes(name));
}

interface OpenOption {
  readonly option: Option;
  readonly required: boolean;
  /** Whether it has no value yet. */
  readonly isPending: boolean;
}

interface Read {
  /** The option whose value may follow. */
  readonly option: OpenOption | undefined;
  /** The number of arguments before the incomplete word. */
  readonly operands: number;
  readonly isAfterDashes: boolean;
}

function readWords(command: Command, words: readonly string[]): Read {
  let option: OpenOption | undefined;
  let operands = 0;
  for (const [index, word] of words.entries()) {
    if (word === '--')
      return { option: undefined, operands: operands + words.length - index - 1, isAfterDashes: true };
    if (word.startsWith('-')) {
      const found = command.options.find(({ long, short }) => word === long || word === short);
      const takesValue = found?.required === true || found?.optional === true;
      option = takesValue ? { option: found, required: found.required, isPending: true } : undefined;
    } else if (option === undefined) operands += 1;
    else option = option.option.variadic ? { ...option, isPending: false } : undefined;
  }
  return { option, operands, isAfterDashes: false };
}

function toArgumentValues({ registeredArguments }: Command, operands: number): Values {
  const last = registeredArguments.at(-1);
  const argument = registeredArguments[operands] ?? (last?.variadic === true ? last : undefined);
  if (argument === undefined) return NOTHING;
  if (argument.argChoices !== undefined) return toChoices(argument.argChoices);
  return { ...FILES, takesRun: isRun(argument) };
}

/** The descriptions of arguments say how a run is named, in words that all commands share. */
function isRun({ description }: Argument): boolean {
  return description.includes(RUN_NAMES) || description.includes(RUN_PATH);
}

/** The placeholder of an option says what its value is: `<csv|parquet>`, `<directory>`, `<file>`. */
function toOptionValues({ flags, argChoices }: Option): Values {
  if (argChoices !== undefined) return toChoices(argChoices);
  const [, placeholder = ''] = /[<[](.+?)(?:\.\.\.)?[>\]]$/.exec(flags) ?? [];
  if (placeholder.includes('|')) return toChoices(placeholder.split('|'));
  if (placeholder === 'directory') return { ...NOTHING, paths: 'directories' };
  return placeholder === 'file' || placeholder === 'path' ? FILES : NOTHING;
}

function toChoices(choices: readonly string[]): Values {
  return { ...NOTHING, candidates: choices.map((text) => ({ text, description: '' })) };
}

function listCommands(program: Command): Candidate[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => ({ text: command.name(), description: command.summary() || command.description() }));
}

function listOptions(command: Command): Candidate[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .map(({ long, short, description }) => ({ text: long ?? short ?? '', description }));
}

/** The text of a word as it is typed: bash and zsh keep quotes and backslashes. */
function unquote(word: string): string {
  return word.replace(/\\(.)|["']/gs, '$1');
}
