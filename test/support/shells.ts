/** Types command lines into real shells, and returns what Tab makes of them. */

import { execFile } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runPython } from './python.js';
import { createSharedTempDir } from './temp-dir.js';

const CLI = fileURLToPath(new URL('../../dist/uploader/cli.js', import.meta.url));
const run = promisify(execFile);

/** Types each line, then a key with which the shell prints its line between marks and clears it. */
const TYPIST = `
import json, os, pty, re, sys
directory, environment, command, setup, lines = (json.loads(each) for each in sys.argv[1:])
pid, fd = pty.fork()
if pid == 0:
    os.chdir(directory)
    os.execvpe(command[0], command, environment)
output = b''
def await_text(pattern):
    global output
    while True:
        found = re.search(pattern, output, re.S)
        if found:
            output = output[found.end():]
            return found
        output += os.read(fd, 65536)
for each in setup:
    os.write(fd, (each + '\\n').encode())
os.write(fd, b'echo rea""dy\\n')
await_text(rb'ready\\r?\\n')
results = []
for line in lines:
    os.write(fd, line.encode() + b'\\x07')
    results.append(await_text(rb'LINE<(.*?)>LINE').group(1).decode())
print(json.dumps(results))
os.close(fd)
`;

export function findShell(name: 'bash' | 'zsh' | 'fish'): string | undefined {
  return ['/bin', '/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path));
}

/** A directory with the command \`polytrack\`. Call it in the set-up of a test file. */
export function createCommandDirectory(): string {
  const directory = createSharedTempDir();
  const path = join(directory, 'polytrack');
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${CLI}' "$@"\n`);
  chmodSync(path, 0o755);
  return directory;
}

export interface ShellOptions {
  readonly cwd: string;
  readonly commands: string;
}

/** bash: \`\\t\` completes, \`\\u001b*\` inserts all completions. */
export function typeInBash(lines: readonly string[], options: ShellOptions): Promise<string[]> {
  return type(
    [findShell('bash') ?? 'bash', '--norc', '--noprofile', '-i'],
    [
      "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'",
      `bind -x '"\\C-g": printf "LINE<%s>LINE\\n" "$READLINE_LINE"; READLINE_LINE='`,
      'eval "$(polytrack completion bash)"',
    ],
    lines,
    options,
  );
}

export function typeInZsh(lines: readonly string[], options: ShellOptions): Promise<string[]> {
  return type(
    [findShell('zsh') ?? 'zsh', '-f', '-i'],
    [
      'autoload -Uz compinit; compinit -u -D; unsetopt beep prompt_cr',
      'show() { print -r -- "LINE<$BUFFER>LINE" > /dev/tty; BUFFER= }; zle -N show; bindkey -e; bindkey "^G" show',
      'source <(polytrack completion zsh)',
    ],
    lines,
    options,
  );
}

async function type(
  command: readonly string[],
  setup: readonly string[],
  lines: readonly string[],
  { cwd, commands }: ShellOptions,
): Promise<string[]> {
  const environment = toEnvironment(cwd, commands);
  const args = [cwd, environment, command, setup, lines].map((each) => JSON.stringify(each));
  return JSON.parse((await runPython(TYPIST, args)).stdout) as string[];
}

/** What fish offers at the end of a line, each with its description after a tab. */
export async function completeInFish(line: string, { cwd, commands }: ShellOptions): Promise<string[]> {
  const program = `polytrack completion fish | source; complete -C ${JSON.stringify(line)}`;
  const env = toEnvironment(cwd, commands);
  const { stdout } = await run(findShell('fish') ?? 'fish', ['--no-config', '-c', program], { cwd, env });
  return stdout.split('\n').filter((each) => each !== '');
}

function toEnvironment(cwd: string, commands: string): Record<string, string> {
  return { PATH: `${commands}:/usr/bin:/bin`, HOME: cwd, TERM: 'dumb', LC_ALL: 'C.UTF-8' };
}
