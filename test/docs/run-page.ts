/**
 * Follows a page of the documentation like a reader: saves its programs, runs its commands in order in one directory, and compares what they
 * print with what the page shows.
 *
 * A code block with a file name (```js train.mjs) is saved under that name. Each line of an `sh` block is a command. A `text` block after it is
 * the output of its last command: `…` stands for any text, and a line with only `…` for any lines. Servers (`tensorboard`, `polytrack ui`, `polytrack watch`) run
 * until they are ready, and have printed the `text` block if there is one. One that ends earlier, or a watch that fails, is an error.
 */

import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Block {
  readonly language: string;
  /** The file name after the language; empty without one. */
  readonly file: string;
  readonly text: string;
  readonly line: number;
}

export interface PageOptions {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  /** Replaces a printed command, such as an installation from the registry. Returns null to skip it. */
  readonly replace?: (command: string) => string | null;
}

const FENCE = /^```(\w*)(?: (\S+))?$/;
/** Commands that run until they are stopped, and what they print once they are ready and at the end. npx itself ends by the signal. */
const SERVERS = [
  { command: /^tensorboard /, ready: /TensorBoard \S+ at http/, last: /./ },
  { command: /^(?:npx )?polytrack ui\b/, ready: /^http\S+$/m, last: /./ },
  { command: /^(?:npx )?polytrack watch /, ready: /\S/, last: /^Complete: /m },
];
type Server = (typeof SERVERS)[number];

/** Returns the code blocks of a page. Blocks in lists are indented. */
export function parseBlocks(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { language: string; file: string; line: number; lines: string[] } | null = null;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = FENCE.exec(line);
    if (open === null && fence !== null)
      open = { language: fence[1]!, file: fence[2] ?? '', line: index + 1, lines: [] };
    else if (open !== null && line === '```') {
      blocks.push({ language: open.language, file: open.file, line: open.line, text: open.lines.join('\n') });
      open = null;
    } else open?.lines.push(line);
  }
  return blocks;
}

/** Runs a page. Throws an error with the line of the block whose command fails or prints something else. */
export async function runPage(path: string, options: PageOptions): Promise<void> {
  const blocks = parseBlocks(readFileSync(path, 'utf8'));
  for (const [index, block] of blocks.entries()) {
    const next = blocks[index + 1];
    if (block.file !== '') save(options.directory, block);
    if (block.language !== 'sh') continue;
    try {
      await runCommands(block, next?.language === 'text' && next.file === '' ? next.text : null, options);
    } catch (error) {
      throw new Error(`${path}:${block.line}: ${(error as Error).message}`, { cause: error });
    }
  }
}

function save(directory: string, { file, text }: Block): void {
  const path = join(directory, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${text}\n`);
}

async function runCommands({ text }: Block, expected: string | null, options: PageOptions): Promise<void> {
  const commands = joinLines(text);
  for (const [index, command] of commands.entries()) {
    const replaced = options.replace === undefined ? command : options.replace(command);
    if (replaced === null) continue;
    const output = index === commands.length - 1 ? expected : null;
    const server = SERVERS.find((each) => each.command.test(command));
    await runOne(replaced, output, server, options);
  }
}

/** Commands of a block: without comments, with continued lines and here-documents joined. */
function joinLines(text: string): string[] {
  return text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.replace(/\s+# .*$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'));
}

async function runOne(
  command: string,
  expected: string | null,
  server: Server | undefined,
  { directory, env }: PageOptions,
): Promise<void> {
  // In its own process group: npx does not pass signals on.
  const child = spawn('bash', ['-c', command], { cwd: directory, env, detached: true });
  let output = '';
  const pattern = expected === null ? null : toPattern(expected);
  let isStopping = false;
  const stop = (): void => {
    if (!isStopping && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    isStopping = true;
  };
  const take = (chunk: Buffer): void => {
    output += chunk.toString('utf8');
    if (server?.ready.test(output) && (pattern?.test(normalize(output)) ?? true)) stop();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (server !== undefined && !isStopping) throw new Error(`${command} ended before it was ready\n${output}`);
  // A dry run exits with 1 when there is something to send.
  const isExpected =
    server?.last.test(output) ?? (code === 0 || (code === 1 && command.includes('--dry-run')));
  if (!isExpected) throw new Error(`${command}: exit code ${code}\n${output}`);
  if (pattern !== null && !pattern.test(normalize(output)))
    throw new Error(`${command} printed\n${output}\nbut the page shows\n${expected}`);
}

function normalize(output: string): string {
  return output.replaceAll(/[ \t]+$/gm, '').trim();
}

function toPattern(expected: string): RegExp {
  const lines = normalize(expected)
    .split('\n')
    .map((line) => (line === '…' ? '(?:.*\\n?)*?.*' : line.split('…').map(toLiteral).join('.*')));
  return new RegExp(lines.join('\\n'));
}

function toLiteral(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
