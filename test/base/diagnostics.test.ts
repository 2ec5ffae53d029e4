import { describe, expect, it, vi } from 'vitest';
import { Diagnostics } from '../../src/base/diagnostics.js';
import { ClosedError, messageOf } from '../../src/base/errors.js';

const BUGS: readonly (readonly [string, () => unknown])[] = [
  [
    'throws',
    () => {
      throw new Error('bug');
    },
  ],
  [
    'throws a value without a text',
    () => {
      throw Object.create(null);
    },
  ],
  ['rejects', () => Promise.reject(new Error('bug'))],
];

describe('Diagnostics', () => {
  it.each(BUGS)('survives a callback that %s, counts it and prints it once', async (_how, bug) => {
    const printed = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined);
    const diagnostics = new Diagnostics({ onWarning: bug as () => void });
    const rejecting = new Diagnostics({ onError: bug as () => void, onWarning: bug as () => void });

    for (const each of [diagnostics, rejecting]) {
      each.warn('WARN_TEXT_REPAIRED', 'text');
      each.warn('WARN_TEXT_REPAIRED', 'text');
    }
    rejecting.error(new ClosedError('run'));
    await new Promise(setImmediate);

    expect(rejecting.counts).toMatchObject({ WARN_CALLBACK_FAILED: 3, WARN_TEXT_REPAIRED: 2, ERR_CLOSED: 1 });
    const texts = printed.mock.calls.map(([message]) => String(message));
    expect(texts.filter((text) => text.includes('callback onWarning failed'))).toHaveLength(2);
    expect(texts.filter((text) => text.includes('callback onError failed'))).toHaveLength(1);
    printed.mockRestore();
  });

  it('returns what a callback returns, or the given value if it throws', () => {
    const diagnostics = new Diagnostics({ onWarning: () => undefined });

    expect(diagnostics.guard('filter', () => false, true)).toBe(false);
    const failed = diagnostics.guard(
      'filter',
      () => {
        throw new Error('bug');
      },
      true,
    );
    expect(failed).toBe(true);
  });
});

describe('messageOf', () => {
  it('never throws', () => {
    const hostile = {
      toString() {
        throw new Error('no text');
      },
    };

    expect([messageOf(Object.create(null)), messageOf(hostile), messageOf(7)]).toEqual([
      'a value without a text',
      'a value without a text',
      '7',
    ]);
  });
});
