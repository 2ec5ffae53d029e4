#!/usr/bin/env node

/** The `polytrack` command: argv → command → exit code. Apart from base/io/, the only file that uses `process`. */

import { readFileSync, writeSync } from 'node:fs';
import { isatty, type WriteStream } from 'node:tty';
import { setFlagsFromString } from 'node:v8';
import { CommanderError } from 'commander';
import { inBackground } from '../src/base/background.js';
import { joinLines, toPrintableLines } from '../src/base/printable-text.js';
import { handleInterruptions } from './base/io/interruption.js';
import { nodeIo } from './base/io/io.js';
import { createRedactor } from './base/redact.js';
import { type CommandContext, EXIT, type Output } from './commands/context.js';
import { LineBatch } from './commands/line-batch.js';
import { toPaintedLines } from './commands/paint.js';
import { toErrorText } from './commands/print-error.js';
import { createProgram } from './commands/program.js';

// Silence the AWS SDK's warning about future Node.js versions: it concerns maintainers, not users.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

// Requests create much garbage while the live heap is small. By default V8 lets the heap grow to twice its live size or more, and 100,000
// small files take 290 MB of memory. With this setting they take 150 MB, at the cost of a tenth more CPU time.
setFlagsFromString('--heap-growing-percent=20');

/** Moves the cursor to the begin of the line and erases it. */
const CLEAR_LINE = '\r\u001b[K';
const CLEAR_LINE_END = '\u001b[K';
const CURSOR_HOME = '\u001b[H';
const CLEAR_BELOW = '\u001b[J';

const redact = createRedactor(process.env);
const lines = new LineBatch((text) => process.stderr.write(text));
process.on('exit', () => lines.flush());
const { signal, divert } = handleInterruptions(process);

const { stdout, stderr } = process;
const toText = (text: string): string => (output.hasColor ? toPaintedLines : toPrintableLines)(redact(text));
const output: Output = {
  isTerminal: stdout.isTTY === true,
  hasColor: hasColor(stdout),
  columns: () => {
    const columns = Number(process.env.COLUMNS);
    return Number.isInteger(columns) && columns > 0 ? columns : stdout.isTTY ? stdout.columns : undefined;
  },
  ...(stdout.isTTY && {
    replace: (text: string) => {
      const lines = toText(text)
        .split('\n')
        .slice(0, Math.max(1, stdout.rows - 1));
      stdout.write(
        `${CURSOR_HOME}${lines.map((line) => `${line}${CLEAR_LINE_END}`).join('\n')}${CLEAR_BELOW}`,
      );
    },
  }),
};

const context: CommandContext = {
  environment: process.env,
  stdout: (text) => {
    lines.flush(); // keeps the order of stderr and stdout on a terminal
    stdout.write(toText(text));
  },
  writeBytes: (bytes) =>
    new Promise((resolve) => {
      process.stdout.write(bytes, () => resolve());
    }),
  stderr: (text, { clearsLine = false, isPainted = false } = {}) =>
    lines.add(
      `${clearsLine ? CLEAR_LINE : ''}${(isPainted ? toPaintedLines : toPrintableLines)(redact(text))}`,
    ),
  columns: () => (stderr.isTTY && process.env.TERM !== 'dumb' ? stderr.columns : undefined),
  hasErrorColor: hasColor(stderr),
  output,
  signal,
  io: nodeIo,
  setExitCode: (code) => {
    process.exitCode = code;
  },
  terminal: {
    stdout: process.stdout,
    stderr: process.stderr,
    isInteractive: [0, 1, 2].some((fd) => isatty(fd)),
    print: (line) => {
      lines.flush();
      attemptWrite(joinLines([redact(line)]));
    },
    divert,
    setExitCode: (code) => {
      process.exitCode = code;
    },
    exit: (code) => process.exit(code),
  },
};

// No top-level await, because the build converts this file to CommonJS, which does not have it.
inBackground(main());

async function main(): Promise<void> {
  try {
    await createProgram(context, readVersion()).parseAsync(process.argv);
  } catch (error) {
    if (error instanceof CommanderError)
      process.exitCode = error.exitCode === 0 ? EXIT.complete : EXIT.refused;
    else {
      context.stderr(toErrorText(error, false));
      process.exitCode = EXIT.unsent;
    }
  }
}

/** Source: https://no-color.org, where any value of NO_COLOR but the empty one counts. */
function hasColor(stream: WriteStream): boolean {
  const { NO_COLOR = '', ...others } = process.env;
  return stream.isTTY === true && NO_COLOR === '' && stream.hasColors(16, others);
}

function attemptWrite(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // The terminal is gone. That must not end the program that runs in this process's place.
  }
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}
