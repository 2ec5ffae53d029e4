/** `polytrack ui` with the real TensorBoard and a real browser. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import { Run } from '../../src/index.js';
import { openPage } from '../support/browser.js';
import { waitFor } from '../support/child-server.js';
import { describeWithPeers, peerPath } from '../support/peers.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createSharedTempDir, createTempDir } from '../support/temp-dir.js';
import { runInTerminal } from '../support/terminal.js';

const CLI = fileURLToPath(new URL('../../dist/uploader/cli.js', import.meta.url));
const POINTS = 2_500;

/** In the place of TensorBoard: answers once and ends. */
const BRIEF_SERVER = `
const server = require("node:http").createServer((_, response) => response.end("", () => process.exit(0)));
server.listen(0, "127.0.0.1", () => console.log("TensorBoard 0 at http://127.0.0.1:" + server.address().port + "/ "));
`;

const home = createSharedTempDir();
const root = join(home, 'plx-runs');
const links = `${root}-tensorboard`;
let names: string[] = [];

class Ui {
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], { path = toPath(), cwd = home } = {}) {
    this.#child = spawn(process.execPath, [CLI, 'ui', ...args], {
      cwd,
      env: { PATH: path, HOME: home, LC_ALL: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (text) => {
      this.stdout += text;
    });
    this.#child.stderr?.on('data', (text) => {
      this.stderr += text;
    });
    this.ended = once(this.#child, 'close').then(([code]) => code as number | null);
    onTestFinished(() => this.stop().then(() => undefined));
  }

  /** The address, once it is printed. */
  url(): Promise<string> {
    return waitFor('polytrack ui', () => {
      if (this.#child.exitCode !== null) throw new Error(this.stderr);
      return /^(http\S+)\n$/.exec(this.stdout)?.[1];
    });
  }

  async get(route: string): Promise<unknown> {
    return (await fetch(new URL(`data/${route}`, await this.url()))).json();
  }

  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.#child.kill(signal);
    return this.ended;
  }
}

function toPath(): string {
  return `${dirname(peerPath('tensorboard'))}:${process.env.PATH}`;
}

/** A directory for PATH with one program. */
function createProgramDirectory(name: string, script: string): string {
  const directory = createTempDir();
  writeFileSync(join(directory, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, name), 0o755);
  return directory;
}

/** The processes with this text in their command line, without polytrack itself. */
function findProcesses(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/cmdline`))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // it has ended
      }
    })
    .filter((command) => command.includes(text) && !command.includes('cli.js'));
}

beforeAll(async () => {
  for (const name of ['first', 'second']) {
    const run = new Run({ root, name, ...NO_CAPTURE, announce: false });
    run.logMetricSeries(
      'loss',
      Array.from({ length: POINTS }, (_, step) => step),
      Array.from({ length: POINTS }, (_, step) => 1 / (step + 1)),
    );
    await run.end();
  }
  names = readdirSync(links).sort();
});
afterEach(() => vi.unstubAllEnvs());

describeWithPeers(['tensorboard', 'chromium'], 'polytrack ui', () => {
  it('shows runs by name and every point of a series in the browser, and leaves no process behind', async () => {
    const ui = new Ui([]);
    const url = await ui.url();
    await waitFor('the runs', async () => ((await ui.get('runs')) as string[]).length === 2 || undefined);
    const page = await openPage('about:blank');
    const counts: number[] = [];
    page.on('response', async (response) => {
      if (!response.url().endsWith('/timeSeries')) return;
      const [{ runToSeries = {} }] = (await response.json()) as [{ runToSeries?: Record<string, unknown[]> }];
      for (const series of Object.values(runToSeries)) counts.push(series.length);
    });

    await page.goto(`${url}#timeseries`);
    for (const name of names) await page.getByText(name, { exact: true }).first().waitFor();
    await waitFor('the series', () => counts.length >= 2 || undefined);

    expect(names.map((name) => name.replace(/-.*/, ''))).toEqual(['first', 'second']);
    expect(counts).toEqual(counts.map(() => POINTS));
    expect(findProcesses(links)).not.toEqual([]);
    expect(await ui.stop('SIGINT')).toBe(0);
    expect(findProcesses(links)).toEqual([]);
  });

  it('shows every point with the Python reader, too, and passes on arguments and the port', async () => {
    const ui = new Ui(['second', '--port', '0', '--', '--load_fast', 'false', '--path_prefix', '/board']);
    expect(await ui.ended).toBe(2); // a port of 0 has no meaning for a browser
    const valid = new Ui(['second', '--', '--load_fast', 'false', '--path_prefix', '/board']);
    const url = await valid.url();

    expect(new URL(url).pathname).toBe('/board/');
    expect(ui.stderr).toContain('--port');
    const series = await waitFor('the points', async () => {
      const found = (await valid.get('plugin/scalars/scalars?run=.&tag=loss')) as unknown[];
      return Array.isArray(found) ? found : undefined;
    });
    expect(series).toHaveLength(POINTS);
  });

  it('finds TensorBoard as a module of python3', async () => {
    const python = createProgramDirectory('python3', `exec ${peerPath('python')} "$@"`);
    const ui = new Ui(['--no-open', root], { path: `${python}:/usr/bin:/bin` });

    expect(await ui.url()).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(await ui.stop()).toBe(0);
  });

  it.each([
    ['no program', ''],
    ['a Python without TensorBoard', 'exec PYTHON -S "$@"'],
  ])('says how to install TensorBoard: %s', async (_, script) => {
    const path = createProgramDirectory(
      script === '' ? 'other' : 'python3',
      script.replace('PYTHON', peerPath('python')),
    );
    const ui = new Ui([], { path });

    expect(await ui.ended).toBe(2);
    expect(ui.stderr).toMatch(/ERR_TENSORBOARD_MISSING: .*\n {2}Run: pip install tensorboard\n/);
    expect(ui.stdout).toBe('');
  });

  it('reports why TensorBoard has failed', async () => {
    const ui = new Ui(['--', '--no_such_flag']);

    expect(await ui.ended).toBe(1);
    expect(ui.stderr).toMatch(/ERR_TENSORBOARD_FAILED: TensorBoard ended \(exit code 2\): .*--no_such_flag/);
  });

  it('ends with the number of the signal if TensorBoard has not answered yet', async () => {
    const started = createTempDir();
    // The start of Python is delayed, so that the signal comes before the answer.
    const path = createProgramDirectory('tensorboard', `touch ${started}/started; exec sleep 600`);
    const ui = new Ui([root], { path: `${path}:/usr/bin:/bin` });
    await waitFor('the start', () => existsSync(join(started, 'started')) || undefined);

    expect(await ui.stop('SIGTERM')).toBe(143);
    expect(ui.stdout).toBe('');
  });

  it('opens the browser only on a terminal, and not with --no-open', async () => {
    const opened = join(createTempDir(), 'opened');
    // The browser stops the command that has opened it.
    const browser = createProgramDirectory('xdg-open', `echo "$1" >> ${opened}; kill -INT $PPID`);
    const brief = createProgramDirectory('tensorboard', `exec ${process.execPath} -e '${BRIEF_SERVER}'`);
    vi.stubEnv('DISPLAY', ':0');

    vi.stubEnv('PATH', `${browser}:${toPath()}`);
    const { code, text } = await runInTerminal(80, ['ui', root]);
    const piped = new Ui([root], { path: process.env.PATH ?? '' });
    await piped.url();
    await piped.stop();
    vi.stubEnv('PATH', `${brief}:${browser}:${toPath()}`);
    const unopened = await runInTerminal(80, ['ui', root, '--no-open']);

    expect(code).toBe(0);
    expect(unopened).toMatchObject({ code: 0, text: expect.stringContaining('http://127.0.0.1:') });
    expect(readFileSync(opened, 'utf8')).toBe(`${/http:\S+/.exec(text)?.[0]}\n`);
  });
});
