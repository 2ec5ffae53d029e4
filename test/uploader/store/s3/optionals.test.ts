import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { LearnedAnswers } from '../../../../uploader/store/base/learned-answers.js';
import { Optionals } from '../../../../uploader/store/s3/optionals.js';

it.each([400, 500])(
  'repeats requests that were in flight when others proved the rejection: status %i',
  async (status) => {
    const learned = new LearnedAnswers();
    const optionals = new Optionals(learned);
    const rejected = () => Object.assign(new Error('rejected'), { $metadata: { httpStatusCode: status } });
    // All are sent before the first answer arrives; later ones fail after the earlier ones have proven the rejection.
    const send = (index: number) =>
      optionals.send(['checksumMode'], async (uses) => {
        if (!uses.has('checksumMode')) return 'found';
        for (let turns = 0; turns < 20 * index; turns += 1) await turn();
        throw rejected();
      });

    const results = await Promise.allSettled(Array.from({ length: 12 }, (_, index) => send(index)));

    expect(learned.get('checksumMode')).toBe('no');
    // A status that may be temporary has to repeat before it counts.
    const failed = results.flatMap(({ status: each }, index) => (each === 'rejected' ? [index] : []));
    expect(failed).toEqual(status === 400 ? [] : [0, 1]);
  },
);
