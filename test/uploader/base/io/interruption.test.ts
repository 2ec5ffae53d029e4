import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import { handleInterruptions } from '../../../../uploader/base/io/interruption.js';

class FakeStream extends EventEmitter {
  text = '';
  write(text: string): void {
    this.text += text;
  }
}

/** A process that records how it was ended. */
class FakeProcess extends EventEmitter {
  exitCode: number | undefined;
  exited: number | undefined;
  readonly stdout = new FakeStream();
  readonly stderr = new FakeStream();
  readonly interruptions = handleInterruptions(this);
  readonly signal = this.interruptions.signal;

  exit(code: number): void {
    this.exited = code;
  }

  fail(stream: FakeStream, code: string): void {
    stream.emit('error', Object.assign(new Error(`${code}: made up`), { code }));
  }

  /** Ends as a command with this result does; returns the exit code. */
  end(result: number): number | undefined {
    this.exitCode = result;
    this.emit('exit');
    return this.exitCode;
  }
}

describe('handleInterruptions', () => {
  it.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('F87: aborts on %s, and the exit code names it unless the work was finished', (name, code) => {
    const unfinished = new FakeProcess();
    const finished = new FakeProcess();

    for (const process of [unfinished, finished]) process.emit(name);

    expect(unfinished.signal.aborted).toBe(true);
    expect(unfinished.signal.reason).toMatchObject({ name: 'AbortError', message: `interrupted by ${name}` });
    expect(unfinished.end(1)).toBe(code);
    expect(finished.end(0)).toBe(0);
  });

  it.each([
    [['SIGINT', 'SIGINT'], 130],
    [['SIGINT', 'SIGTERM'], 143],
    [['SIGHUP', 'SIGTERM', 'SIGTERM'], 143],
    [['SIGHUP', 'SIGHUP'], undefined],
    [['SIGTERM', 'SIGHUP'], undefined],
    [['SIGHUP', 'SIGTERM'], undefined],
  ])('F87: after %s, the process is ended at once with %s', (names, exited) => {
    const process = new FakeProcess();

    for (const name of names) process.emit(name);

    expect(process.exited).toBe(exited);
  });

  it.each(['stdout', 'stderr'] as const)(
    'F87: aborts without a word when the reader of %s is gone',
    (name) => {
      const process = new FakeProcess();

      process.fail(process[name], 'EPIPE');
      process.fail(process[name], 'EPIPE');

      expect(process.signal.aborted).toBe(true);
      expect(process.stderr.text).toBe('');
      expect(process.end(1)).toBe(141);
    },
  );

  it('F87: fails although the work is finished, when its results were not printed', () => {
    const [closed, full] = [new FakeProcess(), new FakeProcess()];

    closed.fail(closed.stdout, 'EPIPE');
    full.fail(full.stdout, 'ENOSPC');
    full.fail(full.stdout, 'ENOSPC');

    expect(closed.end(0)).toBe(141);
    expect(full.end(0)).toBe(1);
    expect(full.stderr.text).toBe('ERR_OUTPUT: the output could not be written: ENOSPC: made up\n');
  });

  it.each(['ENOSPC', 'EIO'])('F87: continues when the log fails with %s', (code) => {
    const process = new FakeProcess();

    process.fail(process.stderr, code);

    expect(process.signal.aborted).toBe(false);
    expect(process.end(0)).toBe(0);
  });
});
