/** A sweep of hyperparameters: runs that only call `logInputs` and `logMetric`. */

import { Run } from '../../src/index.js';

const OPTIMIZERS = ['adam', 'sgd'];
const STEPS = 30;

export interface Trial {
  readonly name: string;
  readonly lr: number;
  readonly batchSize: number;
  readonly optimizer: string;
  readonly warmup: boolean;
}

/** The parameters of trial `number`, from 0. */
export function toTrial(number: number): Trial {
  return {
    name: `trial-${String(number + 1).padStart(2, '0')}`,
    lr: Number((0.001 * 1.35 ** number).toPrecision(3)),
    batchSize: 16 * 2 ** (number % 4),
    optimizer: OPTIMIZERS[number % 2]!,
    warmup: number % 3 === 0,
  };
}

/** The accuracy of a trial after a step, without a random part: best near a rate of 0.05. */
export function accuracyOf({ lr, batchSize, optimizer, warmup }: Trial, step: number): number {
  const distance = Math.log10(lr / 0.05) ** 2;
  const best =
    0.96 - 0.2 * distance - (optimizer === 'sgd' ? 0.02 : 0) + (warmup ? 0.01 : 0) - batchSize / 4000;
  return Math.max(0.1, best * (1 - Math.exp(-(step + 1) / 6)));
}

/** Logs the runs of a sweep below `root`. */
export async function writeSweep(root: string, count: number): Promise<Trial[]> {
  const trials = Array.from({ length: count }, (_, number) => toTrial(number));
  for (const trial of trials) {
    const { name, ...inputs } = trial;
    const run = new Run({
      root,
      name,
      trackCode: false,
      trackEnv: false,
      trackLogs: false,
      collectResources: false,
    });
    run.logInputs(inputs);
    for (let step = 0; step < STEPS; step++) {
      const accuracy = accuracyOf(trial, step);
      run.logMetric('accuracy', accuracy, { step });
      run.logMetric('loss', -Math.log(accuracy), { step });
    }
    await run.end();
  }
  return trials;
}
