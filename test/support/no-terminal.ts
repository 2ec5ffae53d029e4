/** For commands that run no program. */

import type { Terminal } from '../../uploader/base/io/terminal.js';

function fail(): never {
  throw new Error('this command must not use the terminal');
}

export const NO_TERMINAL: Terminal = {
  stdout: process.stdout,
  stderr: process.stderr,
  isInteractive: false,
  print: fail,
  divert: fail,
  setExitCode: fail,
  exit: fail,
};
