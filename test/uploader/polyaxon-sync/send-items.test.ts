import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PolyaxonApiError } from '../../../uploader/polyaxon-api/api-error.js';
import { sendItems } from '../../../uploader/polyaxon-sync/send-items.js';

const item = (sizeBytes: number) => ({ sizeBytes });

describe('sendItems', () => {
  it('reports rejected items, and sends all others', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ isBad: fc.boolean() }), { minLength: 1, maxLength: 16 }),
        async (items) => {
          const sent = new Set<unknown>();
          const refused = new Set<unknown>();
          let requests = 0;
          await sendItems(items, {
            send: async (batch) => {
              requests += 1;
              if (batch.some(({ isBad }) => isBad)) throw new PolyaxonApiError('ERR_API_INVALID', 'no');
            },
            onSent: (batch) => {
              for (const each of batch) sent.add(each);
            },
            onRefused: (each) => refused.add(each),
          });
          expect(sent).toEqual(new Set(items.filter(({ isBad }) => !isBad)));
          expect(refused).toEqual(new Set(items.filter(({ isBad }) => isBad)));
          if (refused.size === 1) expect(requests).toBeLessThanOrEqual(1 + 2 * 4);
        },
      ),
    );
  });

  it('halves requests that are too large for a server until they fit', async () => {
    const sizes: number[] = [];
    await sendItems(
      Array.from({ length: 16 }, () => item(10)),
      {
        send: async (batch) => {
          if (batch.length > 3) throw new PolyaxonApiError('ERR_API_TOO_LARGE', '413');
          sizes.push(batch.length);
        },
        onSent: () => undefined,
        onRefused: () => expect.unreachable(),
      },
    );
    expect(sizes).toEqual([2, 2, 2, 2, 2, 2, 2, 2]);
  });

  it('rejects with an error that does not concern single items', async () => {
    const error = new PolyaxonApiError('ERR_API_UNAUTHORIZED', '401', { httpStatus: 401 });
    const sending = sendItems([item(1)], {
      send: () => Promise.reject(error),
      onSent: () => expect.unreachable(),
      onRefused: () => expect.unreachable(),
    });
    await expect(sending).rejects.toBe(error);
  });
});
