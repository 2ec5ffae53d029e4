import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Diagnostics } from '../../src/base/diagnostics.js';
import type { CodedError } from '../../src/base/errors.js';
import { LogFile, type LogFileOptions } from '../../src/capture/log-file.js';
import { FakeClock } from '../support/fake-clock.js';
import { createTempDir } from '../support/temp-dir.js';
import { captureTo, outputOf, readValues, startProgram } from './capture-child.js';

interface Line {
  readonly text: string;
}

function openLog(path: string, options: Partial<LogFileOptions<Line>> = {}) {
  const errors: CodedError[] = [];
  const warnings: string[] = [];
  const diagnostics = new Diagnostics({
    onError: (error) => errors.push(error),
    onWarning: ({ code }) => warnings.push(code),
  });
  const clock = new FakeClock();
  const log = new LogFile<Line>(path, {
    encode: (lines) => lines.map(({ text }) => `\n${JSON.stringify(text)}`).join(''),
    describeLoss: (count) => ({ text: `${count} lost` }),
    clock,
    diagnostics,
    intervalMs: 2000,
    maxWaitingBytes: 1_000_000,
    ...options,
  });
  onTestFinished(() => log.close());
  const add = (...texts: readonly string[]): void => {
    for (const text of texts) log.append({ text });
  };
  return { log, add, clock, errors, warnings, diagnostics };
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line));
}

describe('LogFile', () => {
  it.each(['removed', 'truncated'])(
    'F68: reports a file that another program has %s, and continues in it',
    (how) => {
      const path = join(createTempDir(), 'plxlogs/logs.jsonl');
      const { log, add, warnings } = openLog(path);
      add('early');
      log.flush();
      if (how === 'removed') rmSync(path);
      else writeFileSync(path, '');

      add('late');
      log.flush();
      add('latest');
      log.flush();

      expect(linesOf(path)).toEqual(['late', 'latest']);
      expect(warnings).toEqual(['WARN_LOG_FILE_REMOVED']);
    },
  );

  it('does not access the disk before the first line, then creates the directory', () => {
    const path = join(createTempDir(), 'plxlogs/logs.jsonl');
    const { log, add } = openLog(path);

    log.flush();
    add('one', 'two');
    const isThere = existsSync(path);
    log.flush();

    expect(isThere).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe('\n"one"\n"two"');
    expect(statSync(path).mode & 0o777).toBe(0o644 & ~process.umask());
  });

  it('writes at the interval, without keeping the process alive', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const path = join(createTempDir(), 'logs.jsonl');
    const { add } = openLog(path);

    add('one');
    vi.advanceTimersByTime(1999);
    const isThere = existsSync(path);
    vi.advanceTimersByTime(1);

    expect(isThere).toBe(false);
    expect(linesOf(path)).toEqual(['one']);
  });

  it('writes synchronously if the event loop is blocked for two intervals or the buffer is large', () => {
    const path = join(createTempDir(), 'logs.jsonl');
    const { add, clock } = openLog(path, { maxWaitingBytes: 10_000_000 });

    add('one');
    clock.seconds += 4;
    add('two');
    expect(linesOf(path)).toEqual(['one', 'two']);

    add('three', 'x'.repeat(1_100_000));
    expect(linesOf(path)).toHaveLength(4);
  });

  it('appends to an existing file, and creates a removed file again', () => {
    const path = join(createTempDir(), 'logs.jsonl');
    writeFileSync(path, '\n"earlier"');
    const { log, add } = openLog(path);

    add('one');
    log.flush();
    expect(linesOf(path)).toEqual(['earlier', 'one']);

    rmSync(path);
    add('two');
    log.flush();
    expect(linesOf(path)).toEqual(['two']);
  });

  it.each([
    ['\n"whole"\n{"timestamp":"2024-01', ['whole', 'new']],
    ['\n"whole"\n', ['whole', 'new']],
    ['\n"whole"\n"é', ['whole', 'new']],
    ['\n"whole"', ['whole', 'new']],
    ['\n{"cut', ['new']],
    ['', ['new']],
  ])('repairs the file of a killed process: %j', (left, expected) => {
    const path = join(createTempDir(), 'logs.jsonl');
    writeFileSync(path, left);
    const { log, add } = openLog(path);

    add('new');
    log.flush();

    expect(linesOf(path)).toEqual(expected);
  });

  it('writes each line immediately when the process ends', () => {
    const path = join(createTempDir(), 'logs.jsonl');
    const { log, add } = openLog(path);

    add('one');
    log.drainAtExit();
    add('two');

    expect(linesOf(path)).toEqual(['one', 'two']);
  });

  it('keeps lines while writes fail, reports the error once, and writes them after recovery', () => {
    const directory = createTempDir();
    const path = join(directory, 'plxlogs/logs.jsonl');
    writeFileSync(join(directory, 'plxlogs'), 'a file instead of the directory');
    const { log, add, errors } = openLog(path);

    add('one');
    log.flush();
    add('two');
    log.flush();
    expect(errors.map(({ code }) => code)).toEqual(['ERR_RUN_WRITE']);
    expect(log.failure?.message).toContain(path);

    rmSync(join(directory, 'plxlogs'));
    log.flush();
    expect(linesOf(path)).toEqual(['one', 'two']);
    expect(log.failure).toBeUndefined();

    rmSync(path);
    mkdirSync(path);
    add('three');
    log.flush();
    expect(errors).toHaveLength(2);
  });

  it('drops and counts lines beyond its limit, and reports the number in the file', () => {
    const path = join(createTempDir(), 'logs.jsonl');
    mkdirSync(path);
    const { log, add, warnings, diagnostics } = openLog(path, { maxWaitingBytes: 10_000 });
    log.append({ text: 'first' });
    log.flush();

    for (let index = 0; index < 1000; index++) add(`line ${index}`);
    const lost = log.lostLines;
    rmSync(path, { recursive: true });
    log.flush();
    log.flush();

    expect(lost).toBeGreaterThan(800);
    expect(warnings).toEqual(['WARN_LOG_LINES_DROPPED']);
    expect(diagnostics.counts.WARN_LOG_LINES_DROPPED).toBe(lost);
    expect(linesOf(path)).toHaveLength(1 + 1000 - lost + 1);
    expect(linesOf(path).at(-1)).toBe(`${lost} lost`);
  });

  it('F94: keeps the first and the last lines of a log that never ends, and counts the others', () => {
    const path = join(createTempDir(), 'logs.jsonl');
    const describeLimit = (count: number | null) => ({
      text: count === null ? 'limit' : `${count} left out`,
    });
    const { log, add, warnings, diagnostics } = openLog(path, { maxFileBytes: 10_000, describeLimit });
    const total = 50_000;
    for (let index = 0; index < total; index++) {
      add(`line ${index}`);
      if (index % 100 === 99) log.flush();
    }
    const sizeAtLimit = statSync(path).size;
    log.close();

    const lines = linesOf(path);
    const limitAt = lines.indexOf('limit');
    const [leftOut = ''] = lines.filter((line) => line.endsWith('left out'));
    const last = lines.slice(lines.indexOf(leftOut) + 1);
    expect(sizeAtLimit).toBeLessThan(20_000);
    expect(statSync(path).size).toBeLessThan(150_000);
    expect(lines.slice(0, limitAt)).toEqual(Array.from({ length: limitAt }, (_, index) => `line ${index}`));
    expect(last.at(-1)).toBe(`line ${total - 1}`);
    expect(last[0]).toBe(`line ${total - last.length}`);
    expect(limitAt + Number.parseInt(leftOut, 10) + last.length).toBe(total);
    expect(warnings).toEqual(['WARN_LOG_LIMIT']);
    expect(diagnostics.counts.WARN_LOG_LIMIT).toBe(total - limitAt);
  });

  it('ignores errors of the program’s callbacks', () => {
    const path = join(createTempDir(), 'logs.jsonl');
    mkdirSync(path);
    const fail = () => {
      throw new Error('of the program');
    };
    const { log, add } = openLog(path, {
      diagnostics: new Diagnostics({ onError: fail, onWarning: fail }),
      maxWaitingBytes: 500,
    });

    add('one');
    log.flush();
    add(...Array.from({ length: 10 }, () => 'x'.repeat(20)));

    expect(log.lostLines).toBeGreaterThan(0);
  });

  it('reports a full device', () => {
    const { log, add, errors } = openLog('/dev/full');

    add('one');
    log.flush();

    expect(errors[0]?.message).toMatch(/ENOSPC/);
  });

  describe('when the disk accepts half a line', () => {
    /** The file is limited to 1,024 bytes until the test raises the limit. Lines have at least 300 bytes. */
    const start = (path: string, body: string) =>
      startProgram(
        `${captureTo(path, 'intervalMs: 20')}
         for (let line = 0; line < 8; line++) console.log('line ' + line + ' ' + 'x'.repeat(200));
         ${body}`,
        {},
        ['/bin/bash', '-c', 'trap "" XFSZ; ulimit -S -f 1; exec "$0" "$@"'],
      );

    it('ends with a complete line, and has all lines once space is available', async () => {
      const path = join(createTempDir(), 'logs.jsonl');
      const child = start(
        path,
        `capture.flush(); process.stderr.write('full'); setInterval(() => capture.failure ?? process.exit(), 10);`,
      );
      const output = outputOf(child);
      await once(child.stderr!, 'data');
      const before = readValues(path);
      execFileSync('prlimit', ['--fsize=unlimited', '--pid', String(child.pid)]);
      await output;

      expect(before.map((value) => value.slice(0, 6))).toEqual(['line 0', 'line 1', 'line 2']);
      expect(readValues(path).map((value) => value.slice(0, 6))).toEqual([
        ...Array.from({ length: 8 }, (_, line) => `line ${line}`),
        'full',
      ]);
    });

    it('has only complete lines if no space becomes available', async () => {
      const path = join(createTempDir(), 'logs.jsonl');

      const { code } = await outputOf(start(path, 'capture.close();'));

      expect(code).toBe(0);
      expect(readValues(path).map((value) => value.slice(0, 6))).toEqual(['line 0', 'line 1', 'line 2']);
    });
  });

  it('keeps lines that other processes append', () => {
    const path = join(createTempDir(), 'logs.jsonl');
    const { log, add } = openLog(path);

    add('one');
    log.flush();
    appendFileSync(path, '\n"other"');
    add('two');
    log.flush();

    expect(linesOf(path)).toEqual(['one', 'other', 'two']);
  });
});
