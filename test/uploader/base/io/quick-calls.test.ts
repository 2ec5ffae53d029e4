import { describe, expect, it } from 'vitest';
import { QuickCalls } from '../../../../uploader/base/io/quick-calls.js';

function createCalls(): {
  exportFiles: string[];
  run: (takesMs?: number) => Promise<void>;
  pass: (ms: number) => void;
} {
  let nowMs = 0;
  const exportFiles: string[] = [];
  const quick = new QuickCalls(() => nowMs);
  const run = (takesMs = 0.01): Promise<void> =>
    quick.run(
      () => {
        nowMs += takesMs;
        exportFiles.push('now');
      },
      async () => {
        exportFiles.push('later');
      },
    );
  return { exportFiles, run, pass: (ms) => (nowMs += ms) };
}

describe('QuickCalls', () => {
  it('calls synchronously shortly after an asynchronous call has succeeded', async () => {
    const { exportFiles, run, pass } = createCalls();

    await run();
    await run();
    pass(100);
    await run();

    expect(exportFiles).toEqual(['later', 'now', 'later']);
  });

  it('calls asynchronously while the disk is slow, and tries synchronous calls again later', async () => {
    const { exportFiles, run, pass } = createCalls();

    await run();
    for (let i = 0; i < 20; i += 1) await run(2);
    const slowCalls = exportFiles.filter((how) => how === 'now').length;
    pass(1_100);
    await run();
    await run();

    expect(slowCalls).toBe(8);
    expect(exportFiles.slice(9)).toEqual([...Array.from({ length: 13 }, () => 'later'), 'now']);
  });

  it('tolerates single slow calls', async () => {
    const { exportFiles, run } = createCalls();

    await run();
    for (let i = 0; i < 100; i += 1) await run(i % 10 === 0 ? 4 : 0.01);

    expect(exportFiles.filter((how) => how === 'later')).toHaveLength(1);
  });

  it('rejects with the error of a synchronous call', async () => {
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
