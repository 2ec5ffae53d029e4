/** `polytrack run`: the real command tracks real programs, which do not notice it. */

import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../support/child-server.js';
import { runCli } from '../support/cli.js';
import { readRunFile } from '../support/read-run.js';
import { createTempDir } from '../support/temp-dir.js';
import { CLI, ENTRY, listRuns, onlyRun, startTracked } from '../support/tracked-program.js';

/** An event file of another writer. */
const EVENT_FILE = fileURLToPath(
  new URL(
    '../../fixtures/tensorflow/hparams/trial-1/events.out.tfevents.1700000000.fixture.4242.0.v2',
    import.meta.url,
  ),
);

/** A program that writes event files to `directory`, and knows nothing of the run. */
function writerOf(directory: string, rest = 'await writer.close();'): string {
  return `import { SummaryWriter } from ${JSON.stringify(ENTRY)};
    const writer = new SummaryWriter(${JSON.stringify(directory)});
    for (let step = 0; step < 5; step++) writer.addScalar('loss', 1 / (step + 1), step);
    await writer.flush();
    ${rest}`;
}

function node(program: string): string[] {
  return ['--', process.execPath, '--input-type=module', '-e', program];
}

function listEventFiles(run: string): string[] {
  const names = readdirSync(join(run, 'outputs/tensorboard'), { recursive: true }) as string[];
  return names.filter((name) => name.includes('tfevents')).sort();
}

function readLog(run: string): string[] {
  const text = readFileSync(join(run, 'plxlogs/logs.jsonl'), 'utf8').trim();
  return text.split('\n').map((line) => (JSON.parse(line) as { value: string }).value);
}

/** Ends the uploader, which outlives the command. Its command line has the path of the run. */
function endProcesses(cwd: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(cwd)) process.kill(Number(pid));
    } catch {
      // It has ended.
    }
  }
}

async function tagsOf(run: string): Promise<string[]> {
  const { stdout } = await runCli('inspect', join(run, 'outputs/tensorboard'), '--json');
  const { runs } = JSON.parse(stdout) as { runs: { run: string; tags: { tag: string; count: number }[] }[] };
  return runs.flatMap(({ run: name, tags }) => tags.map(({ tag, count }) => `${name} ${tag} ${count}`));
}

describe('the program', () => {
  it('has its own output, input and arguments, and its output is logged', async () => {
    const cwd = createTempDir();

    const { ended, stdout, stderr } = startTracked(
      [
        '--',
        'sh',
        '-c',
        'cat; printf "%s|" "$@"; printf "no newline\\033[31m" >&2',
        '-',
        '--name',
        '',
        'a b',
        '--',
      ],
      { cwd, input: 'from stdin\n' },
    );

    expect(await ended).toBe(0);
    expect(stdout()).toBe('from stdin\n--name||a b|--|');
    expect(stderr()).toBe('no newline\u001b[31m');
    expect(readLog(onlyRun(cwd))).toEqual(['from stdin', '--name||a b|--|', 'no newline']);
    expect(readRunFile(onlyRun(cwd))).toMatchObject({ name: 'sh', status: 'succeeded' });
  });

  it('passes bytes through that are not text', async () => {
    const cwd = createTempDir();
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 256));
    writeFileSync(join(cwd, 'bytes'), bytes);

    const output = execFileSync(process.execPath, [CLI, 'run', '--', 'cat', 'bytes'], {
      cwd,
      env: { PATH: process.env.PATH },
      maxBuffer: 1e9,
    });

    expect(output.equals(bytes)).toBe(true);
  });

  it.each([
    ['exit 7', 7, 'failed'],
    ['kill -KILL $$', 137, 'failed'],
    ['kill -TERM $$', 143, 'stopped'],
  ])('ends with its exit code: %s', async (script, code, status) => {
    const cwd = createTempDir();

    expect(await startTracked(['--name', 'mine', '--', 'sh', '-c', script], { cwd }).ended).toBe(code);
    expect(readRunFile(onlyRun(cwd))).toMatchObject({ name: 'mine', status });
  });

  it('that does not exist, or cannot be started, gets the exit code of a shell', async () => {
    const cwd = createTempDir();
    writeFileSync(join(cwd, 'not-executable'), '');
    chmodSync(join(cwd, 'not-executable'), 0o644);

    const missing = startTracked(['--', './missing'], { cwd });
    const unusable = startTracked(['--', './not-executable'], { cwd });

    expect([await missing.ended, await unusable.ended]).toEqual([127, 126]);
    expect(missing.stderr()).toContain('./missing: spawn ./missing ENOENT');
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
    'gets %s and decides what to do',
    async (signal) => {
      const cwd = createTempDir();
      const { child, ended, stdout } = startTracked(
        node(`process.on('${signal}', () => { console.log('got it'); process.exit(9); });
              console.log('ready'); setInterval(() => {}, 1000);`),
        { cwd },
      );

      await waitFor('the program', () => (stdout() === 'ready\n' ? true : undefined));
      child.kill(signal);

      expect(await ended).toBe(9);
      expect(stdout()).toBe('ready\ngot it\n');
    },
  );

  it('gets a key of the terminal once', () => {
    const cwd = createTempDir();
    const program = `let count = 0; process.on('SIGINT', () => { count++; setTimeout(() => { console.log('count', count); process.exit(0); }, 1000); }); console.log('ready'); setInterval(() => {}, 1000);`;
    writeFileSync(join(cwd, 'main.mjs'), program);
    // Sends the key as soon as the program is ready.
    const terminal = `import os, pty, sys
pid, fd = pty.fork()
if pid == 0: os.execv(sys.argv[1], sys.argv[1:])
text = b''
sent = False
while True:
    try: chunk = os.read(fd, 1000)
    except OSError: break
    if not chunk: break
    text += chunk
    if b'ready' in text and not sent:
        sent = True
        os.write(fd, b'\\x03')
os.waitpid(pid, 0)
sys.stdout.buffer.write(text)`;

    const { stdout } = spawnSync(
      'python3',
      ['-c', terminal, process.execPath, CLI, 'run', '--', process.execPath, 'main.mjs'],
      { cwd, encoding: 'utf8', env: { PATH: process.env.PATH } },
    );

    expect(stdout).toContain('count 1');
    expect(stdout).toContain('polytrack: run main');
  });

  it('finds out itself that its output has no reader', () => {
    const cwd = createTempDir();
    const script = `"$0" "$1" run -- sh -c 'while echo line; do :; done; echo "write failed" > noticed' | head -1`;

    const { stdout } = spawnSync('bash', ['-c', script, process.execPath, CLI], {
      cwd,
      encoding: 'utf8',
      env: { PATH: process.env.PATH },
    });

    expect(stdout).toBe('line\n');
    expect(readRunFile(onlyRun(cwd)).status).not.toBe('running');
  });

  it('does not wait for processes that keep its output open', async () => {
    const cwd = createTempDir();
    const { ended, stdout } = startTracked(['--', 'sh', '-c', 'sleep 600 & echo $!'], { cwd });

    expect(await ended).toBe(0);
    process.kill(Number(stdout()));
  });
});

describe('when tracking fails', () => {
  it('runs the program without it', async () => {
    const cwd = createTempDir();
    writeFileSync(join(cwd, 'plx-runs'), 'a file, not a directory');

    const { ended, stdout, stderr } = startTracked(['--', 'sh', '-c', 'echo works; exit 4'], { cwd });

    expect(await ended).toBe(4);
    expect(stdout()).toBe('works\n');
    expect(stderr()).toContain('ERR_RUN_WRITE');
  });

  it.each([
    [['--project', 'a/b/c'], 'ERR_OPTION_INVALID'],
    [['--upload-timeout', 'soon'], 'ERR_CONFIG'],
    [['--nmae', 'x'], 'ERR_CONFIG'],
  ])('refuses wrong usage before it starts the program: %j', async (flags, code) => {
    const cwd = createTempDir();

    const { ended, stdout, stderr } = startTracked([...flags, '--', 'echo', 'started'], { cwd });

    expect(await ended).toBe(2);
    expect(stdout()).toBe('');
    expect(stderr()).toContain(code);
  });
});

describe('event files', () => {
  it('of the program are part of the run while they grow, with the last values as results', async () => {
    const cwd = createTempDir();
    mkdirSync(join(cwd, 'runs/old'), { recursive: true });
    writeFileSync(join(cwd, 'runs/old/events.out.tfevents.1700000000.host'), '');
    const { child, ended } = startTracked(
      node(
        writerOf(
          'runs/exp1',
          `process.once('SIGUSR2', async () => {
        writer.addScalar('loss', 0.125, 5); await writer.close(); clearInterval(timer); });
        const timer = setInterval(() => {}, 1000);`,
        ),
      ),
      { cwd },
    );

    const linked = await waitFor('the event file in the run', () => {
      const files = existsSync(join(cwd, 'plx-runs/runs')) ? listEventFiles(onlyRun(cwd)) : [];
      return files.length === 2 ? files[1] : undefined;
    });
    child.kill('SIGUSR2');

    expect(await ended).toBe(0);
    expect(await tagsOf(onlyRun(cwd))).toEqual(['. loss 6']);
    expect(readRunFile(onlyRun(cwd)).outputs).toEqual({ loss: 0.125 });
    const [original = ''] = readdirSync(join(cwd, 'runs/exp1'));
    const { ino } = statSync(join(cwd, 'runs/exp1', original));
    expect(statSync(join(onlyRun(cwd), 'outputs/tensorboard', linked)).ino).toBe(ino);
  });

  it('are complete although the command is killed', async () => {
    const cwd = createTempDir();
    const { child, ended } = startTracked(
      node(
        writerOf(
          'runs/exp1',
          `process.once('SIGUSR2', async () => {
        writer.addScalar('loss', 0.125, 5); await writer.close(); clearInterval(timer); });
        const timer = setInterval(() => {}, 1000);
        (await import('node:fs')).writeFileSync('pid', String(process.pid));`,
        ),
      ),
      { cwd },
    );
    await waitFor('the event file in the run', () => {
      const isThere = existsSync(join(cwd, 'pid')) && listEventFiles(onlyRun(cwd)).length === 2;
      return isThere || undefined;
    });

    child.kill('SIGKILL');
    process.kill(Number(readFileSync(join(cwd, 'pid'), 'utf8')), 'SIGUSR2');

    expect(await ended).toBe('SIGKILL');
    await waitFor('the last value', async () =>
      (await tagsOf(onlyRun(cwd)))[0] === '. loss 6' ? true : undefined,
    );
  });

  it('of programs that run at the same time in one directory belong to the run of their program', async () => {
    const cwd = createTempDir();
    const wait = `const { existsSync } = await import('node:fs');
      while (!existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 50));
      await writer.close();`;
    const programs = ['a', 'b', 'c'].map((name) =>
      startTracked(['--name', name, ...node(writerOf(`runs/${name}`, wait))], { cwd }),
    );
    await waitFor('the event file of each program in its run', () => {
      const runs = listRuns(join(cwd, 'plx-runs'));
      return (runs.length === 3 && runs.every((run) => listEventFiles(run).length >= 2)) || undefined;
    });

    writeFileSync(join(cwd, 'go'), '');
    await Promise.all(programs.map(({ ended }) => ended));

    for (const run of listRuns(join(cwd, 'plx-runs'))) {
      const { name } = readRunFile(run);
      const files = listEventFiles(run);
      expect(files, name).toHaveLength(2);
      const [original = ''] = readdirSync(join(cwd, `runs/${name}`));
      const originalFile = statSync(join(cwd, `runs/${name}`, original)).ino;
      expect(files.map((file) => statSync(join(run, 'outputs/tensorboard', file)).ino)).toContain(
        originalFile,
      );
    }
  });

  it('of a program that has ended are not guessed while programs of other runs are running', async () => {
    const cwd = createTempDir();
    const copy = ['--', 'sh', '-c', 'mkdir -p "$0" && cp "$1" "$0/events.out.tfevents.1700000000.host"'];
    const other = startTracked(['--name', 'other', '--', 'sh', '-c', 'echo $$; exec sleep 600'], { cwd });
    const pid = await waitFor('the other program', () => Number(other.stdout()) || undefined);

    const beside = startTracked(['--name', 'beside', ...copy, 'runs/beside', EVENT_FILE], { cwd });
    expect(await beside.ended).toBe(0);
    process.kill(pid);
    await other.ended;
    const alone = startTracked(['--name', 'alone', ...copy, 'runs/alone', EVENT_FILE], { cwd });
    expect(await alone.ended).toBe(0);

    expect(beside.stderr()).toMatch(/runs\/beside\/events\S+: is not in the run: .* use --logdir/);
    const counts = listRuns(join(cwd, 'plx-runs')).map((run) => [
      readRunFile(run).name,
      listEventFiles(run).length,
    ]);
    expect(Object.fromEntries(counts)).toMatchObject({ beside: 1, alone: 2 });
  });

  it('in several log directories keep their places, below --logdir only', async () => {
    const cwd = createTempDir();
    const program = `import { SummaryWriter } from ${JSON.stringify(ENTRY)};
      for (const place of ['logs/train', 'logs/validation', 'elsewhere']) {
        const writer = new SummaryWriter(place);
        writer.addScalar('loss', 1, 0);
        await writer.close();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }`;

    const { ended } = startTracked(['--logdir', 'logs', ...node(program)], { cwd });

    expect(await ended).toBe(0);
    expect(await tagsOf(onlyRun(cwd))).toEqual(['. loss 1', 'validation loss 1']);
    expect(readRunFile(onlyRun(cwd)).outputs).toEqual({ loss: 1, validation__loss: 1 });
  });
});

describe('a program that tracks itself', () => {
  it('joins the run, without a second log of its output', async () => {
    const cwd = createTempDir();
    const program = `import { tracking } from ${JSON.stringify(ENTRY)};
      tracking.init({ name: 'inner', root: 'elsewhere' });
      tracking.logInputs({ lr: 0.1 });
      tracking.logMetric('loss', 0.5);
      tracking.logOutputs({ accuracy: 0.9 });
      console.log('output');`;

    const { ended } = startTracked(['--project', 'acme/demo', ...node(program)], { cwd });

    expect(await ended).toBe(0);
    expect(existsSync(join(cwd, 'elsewhere'))).toBe(false);
    expect(readRunFile(onlyRun(cwd))).toMatchObject({
      owner: 'acme',
      project: 'demo',
      status: 'succeeded',
      inputs: { lr: 0.1 },
      outputs: { accuracy: 0.9, loss: 0.5 },
    });
    expect(readdirSync(join(onlyRun(cwd), 'plxlogs'))).toEqual(['logs.jsonl']);
    expect(readLog(onlyRun(cwd))).toEqual(['output']);
    expect(await tagsOf(onlyRun(cwd))).toContain('. loss 1');
  });

  it('starts another run on request, and so does polytrack run', async () => {
    const cwd = createTempDir();
    const program = `import { Run } from ${JSON.stringify(ENTRY)};
      await new Run({ name: 'new', isNew: true }).end();
      const { execFileSync } = await import('node:child_process');
      execFileSync(process.execPath, [${JSON.stringify(CLI)}, 'run', '--name', 'nested', '--', 'true']);`;

    expect(await startTracked(['--name', 'outer', ...node(program)], { cwd }).ended).toBe(0);

    const names = listRuns(join(cwd, 'plx-runs')).map((run) => readRunFile(run).name);
    expect(names.sort()).toEqual(['nested', 'new', 'outer']);
  });
});

describe('with a store', () => {
  it('uploads the run while the program runs, and has all files at its end', async () => {
    const [cwd, store] = [createTempDir(), createTempDir()];
    const url = pathToFileURL(store).href;
    const { child, ended, stderr } = startTracked(
      [
        '--store',
        url,
        '--upload-timeout',
        '600',
        ...node(
          writerOf(
            'runs/exp1',
            `
        process.once('SIGUSR2', () => clearInterval(timer)); const timer = setInterval(() => {}, 1000);`,
          ),
        ),
      ],
      { cwd, env: { POLYTRACK_INTERVAL: '0.5', POLYTRACK_ANNOUNCE: 'true' } },
    );

    await waitFor('the event files in the store', () => {
      const [run] = readdirSync(store).filter((name) => /^[0-9a-f]{32}$/.test(name));
      const place = join(store, String(run), 'outputs/tensorboard');
      return (existsSync(place) && readdirSync(place).length === 2) || undefined;
    });
    child.kill('SIGUSR2');

    expect(await ended).toBe(0);
    expect(stderr()).toContain(`polytrack: it is stored in ${url}`);
    const stored = join(store, onlyRun(cwd).slice(-32));
    expect(readRunFile(stored)).toMatchObject({ status: 'succeeded', outputs: { loss: 0.2 } });
  });

  it('stops waiting for the upload at a signal, with the exit code of the program', async () => {
    const cwd = createTempDir();
    const { child, ended, stdout } = startTracked(
      [
        '--store',
        's3://bucket/none',
        '--endpoint',
        'http://127.0.0.1:9',
        '--upload-timeout',
        '600',
        '--',
        'sh',
        '-c',
        'echo done; exit 5',
      ],
      { cwd, env: { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y' } },
    );
    await waitFor('the end of the run', () =>
      stdout() === 'done\n' && readRunFile(onlyRun(cwd)).status === 'failed' ? true : undefined,
    );
    onTestFinished(() => endProcesses(cwd));

    child.kill('SIGINT');

    expect(await ended).toBe(5);
  });
});
