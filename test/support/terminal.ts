/** Runs the built command in a pseudo-terminal, as a user sees it. */

import { fileURLToPath } from 'node:url';
import { runPython } from './python.js';

const CLI = fileURLToPath(new URL('../../dist/uploader/cli.js', import.meta.url));

/**
 * The child sets the size of the terminal before it starts the command, so that it never runs with another one. A terminal of a user is not one of
 * a CI system, for which Node.js reports no colours.
 */
const PROGRAM = `
import fcntl, os, pty, re, signal, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    os.environ.pop('CI', None)
    os.environ.setdefault('TERM', 'xterm')
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 40, int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[3], sys.argv[3:])
stop = sys.argv[2] and re.compile(sys.argv[2].encode(), re.DOTALL)
text = b''
while True:
    try:
        found = os.read(fd, 65536)
    except OSError:
        break
    if not found:
        break
    text += found
    if stop and stop.search(text):
        os.kill(pid, signal.SIGINT)
        stop = None
sys.stdout.buffer.write(text)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`;

/** Returns all that the command writes to a terminal of this width, and its exit code. Interrupts it once its text matches `stopAfter`. */
export async function runInTerminal(
  columns: number,
  args: readonly string[],
  stopAfter = '',
): Promise<{ code: number; text: string }> {
  const command = [String(columns), stopAfter, process.execPath, CLI, ...args];
  try {
    return { code: 0, text: (await runPython(PROGRAM, command)).stdout };
  } catch (error) {
    const { code, stdout } = error as { readonly code?: unknown; readonly stdout?: string };
    if (typeof code !== 'number' || stdout === undefined) throw error;
    return { code, text: stdout };
  }
}

/** The states of the line that a command redraws, and the lines above it, in the order of writing. */
export function toFrames(text: string): string[] {
  return text.split(/\r\n|\r/).map((frame) => frame.replaceAll('\u001b[K', ''));
}
