/**
 * What TensorBoard shows of a log directory besides series of values: graphs, the layout of custom scalars, and embeddings.
 *
 * `Run` and `SummaryWriter` share it. An invalid argument throws before anything is written.
 */

import { readFileSync } from 'node:fs';
import { shorten } from '../base/describe.js';
import { InvalidArgumentError, messageOf } from '../base/errors.js';
import type { OptionTable } from '../base/options.js';
import { type EmbeddingInput, encodeEmbedding } from '../embedding/projector-files.js';
import { type WrittenEmbedding, writeEmbedding } from '../embedding/write-embedding.js';
import { parseEventTime, parseStep } from '../summary/arguments.js';
import { CUSTOM_SCALARS_TAG, type CustomScalarsLayout, parseLayout } from '../summary/custom-scalars.js';
import { GraphBuilder } from '../summary/graph/graph-builder.js';
import { parseGraphDef } from '../summary/graph/graph-def.js';
import { layersModelToKerasText } from '../summary/graph/layers-keras.js';
import { layersModelToGraphDef } from '../summary/graph/layers-model.js';
import { onnxToGraphDef } from '../summary/graph/onnx-graph.js';
import type { EventLog } from './event-log.js';
import type { SharedEventOptions } from './event-log-options.js';
import { ScalarCharts } from './scalar-charts.js';

/** A graph that is built node by node, or the bytes of a `GraphDef`. */
export type GraphInput = GraphBuilder | Uint8Array;

/** Options of a layout. */
export type LayoutOptions = Pick<SharedEventOptions, 'wallTime' | 'timestamp'>;
export const LAYOUT_OPTIONS: OptionTable<LayoutOptions> = { wallTime: 'any', timestamp: 'any' };

/** Options of an embedding. */
export type EmbeddingOptions = Pick<SharedEventOptions, 'step'>;
export const EMBEDDING_OPTIONS: OptionTable<EmbeddingOptions> = { step: 'any' };

export class Dashboards {
  readonly #log: EventLog;
  readonly #persist: boolean;
  readonly #charts: ScalarCharts;

  /** `persist`: whether files are written besides the event file. If not, arguments are still checked. */
  constructor(log: EventLog, persist = true) {
    this.#log = log;
    this.#charts = new ScalarCharts(log.writer.earlierLayout);
    this.#persist = persist;
  }

  /** Logs a graph; by default at step 0. TensorBoard shows that of the largest step. Throws `ERR_GRAPH_INVALID`. */
  graph(graph: GraphInput, options: SharedEventOptions): void {
    this.#graphDef(graph instanceof GraphBuilder ? graph.build() : parseGraphDef(graph), options);
  }

  /** Logs the graph of an ONNX model: its bytes, or the path of its file. Throws `ERR_GRAPH_INVALID`. */
  onnxGraph(model: Uint8Array | string, options: SharedEventOptions): void {
    this.#graphDef(onnxToGraphDef(typeof model === 'string' ? readModel(model) : model), options);
  }

  /** Logs the layers of a TensorFlow.js or Keras model, as graph and as conceptual graph. Throws `ERR_GRAPH_INVALID`. */
  layersModel(model: unknown, options: SharedEventOptions): void {
    const graphDef = layersModelToGraphDef(model);
    const text = layersModelToKerasText(model);
    this.#graphDef(graphDef, options);
    const step = options.step ?? 0;
    this.#log.kerasModel(text, { ...options, step });
  }

  /** Replaces the layout of the custom scalars dashboard. Throws `ERR_LAYOUT_INVALID`. */
  customScalars(layout: CustomScalarsLayout, options: LayoutOptions): void {
    const categories = parseLayout(layout);
    this.#log.checkOpen();
    this.#charts.setLayout(categories);
    this.#writeLayout(options);
  }

  /** Adds tags to the chart `title` of the custom scalars dashboard. Writes the layout if any of them is new. */
  addChart(title: string, tags: readonly string[], options: LayoutOptions): void {
    if (this.#charts.add(title, tags)) this.#writeLayout(options);
  }

  /**
   * Writes the files of an embedding next to the event file, by default for step 0, before it returns. Throws `ERR_EMBEDDING_INVALID`,
   * and `RunWriteError` when the files cannot be written.
   */
  embedding(name: string, embedding: EmbeddingInput, { step }: EmbeddingOptions): WrittenEmbedding {
    this.#log.checkOpen();
    const tag = this.#log.parseTag(name);
    const files = encodeEmbedding(embedding);
    const options = { fsync: this.#log.fsync, persist: this.#persist };
    return writeEmbedding(this.#log.writer.directory, tag, parseStep(step) ?? 0, files, options);
  }

  #graphDef(graphDef: Uint8Array, options: SharedEventOptions): void {
    this.#log.event({ kind: 'graphDef', graphDef }, options.step, parseEventTime(options));
  }

  #writeLayout(options: LayoutOptions): void {
    const step = this.#log.writer.nextStep(CUSTOM_SCALARS_TAG);
    this.#log.values(CUSTOM_SCALARS_TAG, { ...options, step }, () => this.#charts.toValue());
  }
}

function readModel(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new InvalidArgumentError(
      'ERR_GRAPH_INVALID',
      `${shorten(path)} could not be read: ${shorten(messageOf(cause), 200)}`,
      'Pass the path of an ONNX file, or its bytes.',
      { cause },
    );
  }
}
