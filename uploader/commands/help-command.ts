/** A command whose texts after the list of flags are wrapped to the width of the terminal, as commander wraps everything before them. */

import { type AddHelpTextContext, type AddHelpTextPosition, Command } from 'commander';

/** As in commander. */
const DEFAULT_COLUMNS = 80;

export class HelpCommand extends Command {
  override createCommand(name?: string): Command {
    return new HelpCommand(name);
  }

  override addHelpText(position: AddHelpTextPosition, text: string): this;
  override addHelpText(
    position: AddHelpTextPosition,
    text: (context: AddHelpTextContext) => string | undefined,
  ): this;
  override addHelpText(
    position: AddHelpTextPosition,
    text: string | ((context: AddHelpTextContext) => string | undefined),
  ): this {
    return super.addHelpText(position, (context) => {
      const whole = typeof text === 'string' ? text : (text(context) ?? '');
      const columns = this.configureOutput().getOutHelpWidth?.() ?? DEFAULT_COLUMNS;
      return joinLines(whole)
        .map((line) => wrap(line, columns))
        .join('\n');
    });
  }
}

/** The lines of a text, each with the lines that continue it: those that are indented further than the first word of the line before. */
function joinLines(text: string): string[] {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const last = lines.at(-1) ?? '';
    const isContinuation = last !== '' && /^ {3}/.test(line);
    if (isContinuation) lines[lines.length - 1] = `${last} ${line.trim()}`;
    else lines.push(line);
  }
  return lines;
}

/** Breaks a line between words. In an item of a list, such as `  0  all files are stored`, the next lines begin below its text. */
function wrap(line: string, columns: number): string {
  const [head = ''] = /^ +\S+ +/.exec(line) ?? [];
  const lines: string[] = [];
  let current = head;
  for (const word of line.slice(head.length).split(' ')) {
    const isFirst = current === head || current.trim() === '';
    if (!isFirst && current.length + 1 + word.length > columns) {
      lines.push(current);
      current = ' '.repeat(head.length) + word;
    } else current = isFirst ? current + word : `${current} ${word}`;
  }
  return [...lines, current].join('\n');
}
