/**
 * The methods of `Run` for what TensorBoard shows of a run besides series of values: graphs, the layout of custom scalars, and embeddings.
 * Polyaxon has no kinds for them; its TensorBoard shows them.
 */

import { checkOptions } from '../base/options.js';
import type { EmbeddingInput } from '../embedding/projector-files.js';
import type { WrittenEmbedding } from '../embedding/write-embedding.js';
import {
  Dashboards,
  EMBEDDING_OPTIONS,
  type EmbeddingOptions,
  type GraphInput,
  LAYOUT_OPTIONS,
  type LayoutOptions,
} from '../event-log/dashboards.js';
import { SHARED_EVENT_OPTIONS, type SharedEventOptions } from '../event-log/event-log.js';
import { parseEventOptions, type StepOr } from '../summary/arguments.js';
import type { CustomScalarsLayout } from '../summary/custom-scalars.js';
import { hashArtifact, inspectArtifact } from './artifact-files.js';
import type { RunContext } from './run-context.js';
import { RunEvents } from './run-events.js';

export abstract class RunDashboards extends RunEvents {
  readonly #dashboards: Dashboards;

  constructor(context: RunContext) {
    super(context);
    this.#dashboards = new Dashboards(context.events, context.environment.collectsEvents);
  }

  /** Logs a graph from a `GraphBuilder` or a serialized `GraphDef`, by default at step 0. TensorBoard shows that of the largest step. Throws `ERR_GRAPH_INVALID`. */
  logGraph(graph: GraphInput, options: StepOr<SharedEventOptions> = {}): void {
    this.#log('logGraph', options, (checked) => this.#dashboards.graph(graph, checked));
  }

  /** Logs the graph of an ONNX model, given as bytes or as the path of its file, like `logGraph`. Throws `ERR_GRAPH_INVALID`. */
  logOnnxGraph(model: Uint8Array | string, options: StepOr<SharedEventOptions> = {}): void {
    this.#log('logOnnxGraph', options, (checked) => this.#dashboards.onnxGraph(model, checked));
  }

  /**
   * Logs the layers of a TensorFlow.js or Keras model, as graph and as conceptual graph. `model` is the content of `model.json`, as text or
   * parsed. The model itself is an artifact: see `logModel`. Throws `ERR_GRAPH_INVALID`.
   */
  logLayersModel(model: unknown, options: StepOr<SharedEventOptions> = {}): void {
    this.#log('logLayersModel', options, (checked) => this.#dashboards.layersModel(model, checked));
  }

  /**
   * Sets the layout of the custom scalars dashboard: charts of several metrics, with `multiline` or `margin`. A later call replaces an
   * earlier layout. Throws `ERR_LAYOUT_INVALID`.
   */
  logCustomScalars(layout: CustomScalarsLayout, options: LayoutOptions = {}): void {
    this.context.guard(() => {
      checkOptions('logCustomScalars', options, LAYOUT_OPTIONS);
      this.#dashboards.customScalars(layout, options);
      this.context.noteEvents();
    });
  }

  /**
   * Writes vectors for the embedding projector as files next to the event file, by default for step 0, and records their directory in the
   * lineage as `<name>_<step>`, with its size and SHA-256. The files exist when the call returns. Rejects with `ERR_EMBEDDING_INVALID`, and
   * with `RunWriteError` when the files cannot be written.
   */
  logEmbedding(name: string, embedding: EmbeddingInput, given: StepOr<EmbeddingOptions> = {}): Promise<void> {
    return this.context.guardAsync(() => {
      this.context.checkOpen();
      const options = parseEventOptions('logEmbedding', given, EMBEDDING_OPTIONS);
      const shown = this.context.maskText('name', name);
      const written = this.#dashboards.embedding(shown, embedding, options);
      this.context.noteEvents();
      if (!this.context.environment.collectsEvents) return Promise.resolve();
      return this.context.track(this.#recordEmbedding(shown, options.step ?? 0, written));
    });
  }

  async #recordEmbedding(
    name: string,
    step: number | bigint,
    { directory, sizeBytes }: WrittenEmbedding,
  ): Promise<void> {
    const path = this.context.toLineagePath(directory);
    const hash = await hashArtifact(await inspectArtifact(directory, this.context.environment.paths.run));
    this.context.directory.addArtifacts([
      {
        name: `${this.context.parseLineageName(name)}_${step}`,
        kind: 'dir',
        path,
        summary: { path, hash, size_bytes: sizeBytes },
        is_input: false,
      },
    ]);
  }

  #log(
    method: string,
    options: StepOr<SharedEventOptions>,
    call: (checked: SharedEventOptions) => void,
  ): void {
    this.context.guard(() => {
      call(parseEventOptions(method, options, SHARED_EVENT_OPTIONS));
      this.context.noteEvents();
    });
  }
}
