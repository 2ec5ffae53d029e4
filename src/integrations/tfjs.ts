/** `polytrack/integrations/tfjs`: a callback for `model.fit` of TensorFlow.js. Imports nothing of it. */

import type { Run } from '../run/run.js';

/** The part of a `LayersModel` that the callback reads. */
export interface TfjsModel {
  readonly weights: readonly {
    readonly originalName: string;
    read(): { dataSync(): Float32Array | Int32Array | Uint8Array };
  }[];
  toJSON(unused?: unknown, returnString?: boolean): unknown;
}

export interface TfjsCallbackOptions {
  /** Epochs between two histograms of the weights; 0 for none. Default 1. */
  readonly histogramEpochs?: number | undefined;
  /** Whether the graph of the model is logged. Default true. */
  readonly graph?: boolean | undefined;
  /** Whether the metrics of each batch are logged too, as `batch/<name>`. Default false. */
  readonly batches?: boolean | undefined;
}

/** What `model.fit` accepts as callbacks. */
export interface TfjsCallbacks {
  onTrainBegin(): void;
  onBatchEnd(batch: number, logs?: Readonly<Record<string, number>>): void;
  onEpochEnd(epoch: number, logs?: Readonly<Record<string, number>>): void;
}

/**
 * Logs the training of `model` in `run`: loss and metrics of each epoch, histograms of the weights, and the graph. The step is the epoch.
 *
 *     await model.fit(xs, ys, { epochs: 10, callbacks: createTfjsCallbacks(run, model) });
 */
export function createTfjsCallbacks(
  run: Run,
  model: TfjsModel,
  options: TfjsCallbackOptions = {},
): TfjsCallbacks {
  const { histogramEpochs = 1, graph = true, batches = false } = options;
  let step = 0;
  return {
    onTrainBegin() {
      if (graph) run.logLayersModel({ modelTopology: model.toJSON(null, false) });
    },
    onBatchEnd(_batch, logs = {}) {
      if (batches) run.logMetrics(toMetrics(logs, 'batch/'), { step });
      step += 1;
    },
    onEpochEnd(epoch, logs = {}) {
      run.logMetrics(toMetrics(logs, ''), { step: epoch });
      if (histogramEpochs === 0 || epoch % histogramEpochs !== 0) return;
      for (const weight of model.weights)
        run.logHistogram(`weights/${weight.originalName}`, weight.read().dataSync(), { step: epoch });
    },
  };
}

/** Without the number and size of the batch. TensorFlow.js has `acc` beside names that its users give. */
function toMetrics(logs: Readonly<Record<string, number>>, prefix: string): Record<string, number> {
  const metrics = Object.entries(logs).filter(
    ([name, value]) => typeof value === 'number' && !/^(?:batch|size)$/.test(name),
  );
  return Object.fromEntries(metrics.map(([name, value]) => [`${prefix}${name}`, value]));
}
