/** The help of all commands, as users see it. */

import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { nodeIo } from '../../../uploader/base/io/io.js';
import { createProgram } from '../../../uploader/commands/program.js';
import { runCli } from '../../support/cli.js';
import { NO_TERMINAL } from '../../support/no-terminal.js';
import { runInTerminal } from '../../support/terminal.js';

function createTestProgram(stdout: (piece: string) => void = () => {}): Command {
  return createProgram(
    {
      ...{ environment: {}, signal: new AbortController().signal, io: nodeIo, terminal: NO_TERMINAL },
      stdout,
      stderr: () => {},
      columns: () => undefined,
      setExitCode: () => {},
    },
    '0.0.0',
  );
}

/** The help of the program and of each command, for a terminal of this width; undefined: piped. */
function printHelp(columns: number | undefined): Map<string, string> {
  const found = new Map<string, string>();
  let text = '';
  const program = createTestProgram((piece) => {
    text += piece;
  });
  for (const command of [program, ...program.commands]) {
    command.configureOutput({ getOutHelpWidth: () => columns as number });
    text = '';
    command.outputHelp();
    found.set(command === program ? 'polytrack' : `polytrack ${command.name()}`, text);
  }
  return found;
}

describe('--help', () => {
  it('has the settings of stores for each command that reads runs of a store', () => {
    const { commands } = createTestProgram();
    const taking = commands.filter(({ registeredArguments }) =>
      registeredArguments.some(({ description }) => /\bURL of a store\b/.test(description)),
    );

    expect(taking.map((command) => command.name())).toEqual(expect.arrayContaining(['export', 'mcp', 'ui']));
    for (const command of taking)
      expect(
        command.options.map(({ long }) => long),
        command.name(),
      ).toEqual(expect.arrayContaining(['--endpoint', '--region', '--path-style', '--config']));
  });

  it.each([80, 120])('fits a terminal of %d columns', async (columns) => {
    const found = printHelp(columns);

    for (const text of found.values())
      for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
    const all = [...found].map(([name, text]) => `$ ${name} --help\n${text}`).join('\n');
    await expect(all).toMatchFileSnapshot(`golden/help-${columns}.txt`);
  });

  it('has 80 columns when piped, and no colours', async () => {
    const expected = printHelp(80);

    expect(printHelp(undefined)).toEqual(expected);
    expect((await runCli('--help')).stdout).toBe(expected.get('polytrack'));
    expect((await runCli('sync', '--help')).stdout).toBe(expected.get('polytrack sync'));
  });

  it('has the width of a real terminal', async () => {
    const { text } = await runInTerminal(120, ['sync', '--help']);

    expect(text.replaceAll('\r\n', '\n')).toBe(printHelp(120).get('polytrack sync'));
  });
});
