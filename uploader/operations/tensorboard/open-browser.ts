/** Opens a page in the user's browser, if there is one. */

import { platform } from 'node:os';
import { startProgram } from '../../../src/base/child-process.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** Never fails: without a browser, nothing happens. */
export function openBrowser(url: string, environment: Environment): void {
  const [program, ...args] = toCommand(environment);
  if (program === undefined) return;
  const options = { env: environment, stdio: 'ignore', detached: true } as const;
  startProgram(program, [...args, url], options, () => undefined)?.unref();
}

function toCommand({ DISPLAY, WAYLAND_DISPLAY, BROWSER }: Environment): string[] {
  if (platform() === 'darwin') return ['open'];
  // The first argument of `start` in quotation marks is a title.
  if (platform() === 'win32') return ['cmd', '/c', 'start', '""'];
  // Without a display, xdg-open may start a browser for terminals.
  return [DISPLAY, WAYLAND_DISPLAY, BROWSER].some((value) => value) ? ['xdg-open'] : [];
}
