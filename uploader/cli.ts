#!/usr/bin/env node
/** argv → command → exit code. The only file that touches `process`, besides the effects in io/. */

import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { CommanderError } from 'commander';
import { nodeIo } from './base/io/io.js';
import { createRedactor } from './base/redact.js';
import { type CommandContext, EXIT } from './commands/context.js';
import { LineBatch } from './commands/line-batch.js';
import { toErrorText } from './commands/print-error.js';
import { createProgram } from './commands/program.js';

/** 128 + the number of the signal, as shells report it. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

// Which Node.js the S3 client will want next year is for those who maintain polytrack, not for those who sync.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

// What is alive is small, what a request leaves behind is not: with V8's own growth (twice what is alive, and more) 100,000 small files
// take 290 MB of memory, with this 150 MB, for a tenth more of CPU time.
setFlagsFromString('--heap-growing-percent=20');

const redact = createRedactor(process.env);
const lines = new LineBatch((text) => process.stderr.write(redact(text)));
process.on('exit', () => lines.flush());
const abort = new AbortController();

let interruption: number | undefined;

for (const [name, exitCode] of Object.entries(SIGNALS)) {
  process.on(name, () => {
    if (abort.signal.aborted) process.exit(exitCode);
    interruption = exitCode;
    abort.abort();
  });
}

const context: CommandContext = {
  environment: process.env,
  stdout: (text) => {
    lines.flush(); // on a terminal the two are one
    process.stdout.write(redact(text));
  },
  stderr: (text) => lines.add(text),
  columns: () => (process.stderr.isTTY ? process.stderr.columns : undefined),
  signal: abort.signal,
  io: nodeIo,
  // Whoever was interrupted and has finished nevertheless has succeeded; who has not says by what it was interrupted.
  setExitCode: (code) => {
    process.exitCode = code === EXIT.complete ? code : (interruption ?? code);
  },
};

try {
  await createProgram(context, readVersion()).parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.complete : EXIT.refused;
  else {
    context.stderr(toErrorText(error, false));
    process.exitCode = EXIT.unsent;
  }
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { version: string };
  return version;
}
