import { describe, expect, it } from 'vitest';
import { QuickCalls } from '../../../uploader/io/quick-calls.js';

function createCalls(): {
  made: string[];
  run: (takesMs?: number) => Promise<void>;
  pass: (ms: number) => void;
} {
  let nowMs = 0;
  const made: string[] = [];
  const quick = new QuickCalls(() => nowMs);
  const run = (takesMs = 0.01): Promise<void> =>
    quick.run(
      () => {
        nowMs += takesMs;
        made.push('now');
      },
      async () => {
        made.push('later');
      },
    );
  return { made, run, pass: (ms) => (nowMs += ms) };
}

describe('QuickCalls', () => {
  it('calls synchronously just after a call that was waited for has been answered', async () => {
    const { made, run, pass } = createCalls();

    await run();
    await run();
    pass(100);
    await run();

    expect(made).toEqual(['later', 'now', 'later']);
  });

  it('waits for the calls of a disk that is slow, and tries again later', async () => {
    const { made, run, pass } = createCalls();

    await run();
    for (let i = 0; i < 5; i += 1) await run(0.4);
    pass(1_100);
    await run();
    await run();

    expect(made).toEqual(['later', 'now', 'now', 'now', 'later', 'later', 'later', 'now']);
  });

  it('takes one call that was interrupted for no slow disk', async () => {
    const { made, run } = createCalls();

    await run();
    await run(30);
    await run();

    expect(made).toEqual(['later', 'now', 'now']);
  });

  it('gives what a synchronous call throws', async () => {
    const quick = new QuickCalls(() => 0);
    await quick.wait(async () => undefined);

    const failing = quick.run(
      () => {
        throw new Error('no such file');
      },
      async () => undefined,
    );

    await expect(failing).rejects.toThrow('no such file');
  });
});
