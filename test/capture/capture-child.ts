/** Programs that print in separate processes, with and without capture of their console. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const built = new URL('../../dist/src/', import.meta.url);

export interface ChildOutput {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Returns the start of a program that captures its console to `path`, with the variable `capture`. */
export function captureTo(path: string, options = ''): string {
  const url = (file: string) => JSON.stringify(new URL(file, built).href);
  return `
    import { ConsoleCapture } from ${url('capture/console-capture.js')};
    import { createMasker } from ${url('capture/secrets.js')};
    import { systemClock } from ${url('base/clock.js')};
    import { Diagnostics } from ${url('base/diagnostics.js')};
    const openCapture = (path, options = {}) => new ConsoleCapture(path, {
      masker: createMasker(process.env), clock: systemClock, diagnostics: new Diagnostics({ onError() {}, onWarning() {} }), ...options,
    });
    const capture = openCapture(${JSON.stringify(path)}, { ${options} });
    process.on('exit', () => capture.drainAtExit());
  `;
}

/** Starts a program as an ECMAScript module. `wrap` is an optional command that runs it. */
export function startProgram(
  code: string,
  env: NodeJS.ProcessEnv = {},
  wrap: readonly string[] = [],
): ChildProcess {
  if (!existsSync(fileURLToPath(built))) throw new Error('the package is not built: npm run build');
  const [command, ...args] = [...wrap, process.execPath, '--input-type=module', '--eval', code];
  return spawn(command!, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

export async function outputOf(child: ChildProcess): Promise<ChildOutput> {
  const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  child.stdout!.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr!.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { stdout: Buffer.concat(chunks.stdout), stderr: Buffer.concat(chunks.stderr), code, signal };
}

export function runProgram(code: string, env: NodeJS.ProcessEnv = {}): Promise<ChildOutput> {
  return outputOf(startProgram(code, env));
}

export interface LogLine {
  readonly timestamp: string;
  readonly node: string;
  readonly pod: string;
  readonly container: string;
  readonly value: string;
}

/** Reads the lines of a log file. Fails if a line is incomplete. */
export function readLog(path: string): LogLine[] {
  const [first, ...lines] = readFileSync(path, 'utf8').split('\n');
  if (first !== '') throw new Error(`${path} begins with ${JSON.stringify(first)}, expected a line feed`);
  return lines.map((line) => JSON.parse(line));
}

export function readValues(path: string): string[] {
  return readLog(path).map(({ value }) => value);
}
