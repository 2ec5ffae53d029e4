/** Runs Python programs in TensorBoard's environment. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { peerPath } from './peers.js';

const run = promisify(execFile);

/** Runs a program with arguments and returns its output. */
export async function runPython(
  program: string,
  args: readonly string[],
): Promise<{ stdout: string; stderr: string }> {
  return run(peerPath('python'), ['-c', program, ...args], { maxBuffer: 1024 * 1024 * 1024 });
}
