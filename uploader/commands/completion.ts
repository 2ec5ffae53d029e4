/** `polytrack completion`: completes commands, options, values, runs and paths in the user's shell. */

import { Argument, type Command } from 'commander';
import { joinLines } from '../../src/base/printable-text.js';
import { nameRuns } from '../operations/runs/name-runs.js';
import { type Candidate, type Expected, findExpected } from './complete.js';
import { SCRIPTS, type ShellName } from './completion-scripts.js';
import { type CommandContext, EXIT } from './context.js';
import { cutColumns } from './text-columns.js';

const HELP = `
Add one of these lines to the file that your shell reads when it starts:

  bash  eval "$(polytrack completion bash)"      in ~/.bashrc
  zsh   source <(polytrack completion zsh)       in ~/.zshrc, after compinit
  fish  polytrack completion fish | source       in ~/.config/fish/config.fish

Exit codes:
  0  the script is printed
  2  wrong usage
`;

export function addCompletionCommand(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .summary('complete commands, options, runs and paths with Tab')
    .description('Print a script with which the shell completes commands, options, values, runs and paths.')
    .addArgument(new Argument('<shell>', 'the shell that reads the script').choices(Object.keys(SCRIPTS)))
    .argument('[words...]', 'for the script: the words of a command line after --, the last one incomplete')
    .addHelpText('after', HELP)
    .action((shell: ShellName, words: string[]) =>
      words.length === 0
        ? printScript(shell, context)
        : printCandidates(findExpected(program, words.slice(1)), context),
    );
}

/** Text and description share a line of the terminal. */
const DESCRIPTION_COLUMNS = 60;

function printScript(shell: ShellName, context: CommandContext): void {
  context.stdout(SCRIPTS[shell]);
  context.setExitCode(EXIT.complete);
}

/** The first line names the paths to complete besides. Two lines for each candidate follow: its text and its description. */
async function printCandidates(expected: Expected, context: CommandContext): Promise<void> {
  const { paths, takesRun, word, prefix } = expected;
  // Whatever fails here must not disturb the line that the user types.
  const runs = takesRun ? await nameRuns(word, context).catch((): Candidate[] => []) : [];
  const matching = [...expected.candidates, ...runs].filter(({ text }) => text.startsWith(word));
  context.stdout(
    joinLines([
      paths,
      ...matching.flatMap(({ text, description }) => [
        prefix + text,
        cutColumns(description, DESCRIPTION_COLUMNS),
      ]),
    ]),
  );
  context.setExitCode(EXIT.complete);
}
