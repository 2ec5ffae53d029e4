import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHarness, readStore } from '../support/sync-harness.js';

const bug = (): never => {
  throw new Error('bug in the callback');
};
const rejection = () => Promise.reject(new Error('bug in the callback')) as never;

afterEach(() => vi.restoreAllMocks());

function watchWarnings() {
  const emitWarning = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined);
  return () => emitWarning.mock.calls.map(([message]) => message);
}

describe('the callbacks of a program that uploads', () => {
  it.each([
    ['throws', bug],
    ['rejects', rejection],
  ])('F67: stop no sync when onEvent %s', async (_, onEvent) => {
    const warnings = watchWarnings();
    const harness = createHarness({ a: 'a', b: 'b' });

    expect(await harness.sync({ onEvent })).toMatchObject({ isComplete: true });
    expect(readStore(harness.store)).toMatchObject({ a: 'a', b: 'b' });
    expect(harness.events.length).toBeGreaterThan(2);
    expect(warnings()).toEqual(['the callback onEvent failed: bug in the callback']);
  });

  it.each([
    ['throws', bug],
    ['rejects', rejection],
  ])('F67: stop no watch when onStatus %s', async (_, onStatus) => {
    const warnings = watchWarnings();
    const harness = createHarness({ a: 'a' });
    const running = harness.startWatch({ onStatus });

    await running.until('the callback was called', () => warnings().length > 0);
    await running.until('the file is stored', () => readStore(harness.store).a === 'a');
    expect(await running.stop()).toMatchObject({ isComplete: true });
    expect(warnings()).toEqual(['the callback onStatus failed: bug in the callback']);
  });
});
