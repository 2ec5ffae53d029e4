/**
 * TensorBoard's fast reader: the data server in Rust, which is used by default for local files.
 *
 * A tag belongs to the plugin of its first value. A value removes all earlier values of its tag whose step is not smaller, even if the
 * reader cannot read it. Session starts have no effect. Source: tensorboard/data/server/run.rs, reservoir.rs and data_compat.rs of the data
 * server 0.7.2, observed over HTTP.
 */

import { DataClass, DataType, type SummaryMetadata } from '../wire/messages.js';
import { ChaChaRandom } from './chacha-random.js';
import { blobCode, GRAPH_SUB_PLUGINS, impliedClass, tensorCode, unreadable } from './pages.js';
import { CodeColumn } from './point-table.js';
import { REASON_CODES, SHOWN } from './reasons.js';
import { SeriesSample } from './series-sample.js';
import { settlePage, TagSeries, toFailure } from './tag-series.js';
import { copyMetadata, createForm, type ValueFacts } from './value-facts.js';
import type { DamagedPart, Failure, PointEvent, ReadingState, Samples, TagView, Viewer } from './viewer.js';

const { kind, form, noData, retraction, wallTime: notFinite } = REASON_CODES;

/** By data class: the number of values that the reader keeps. */
const CAPACITIES = [0, 1000, 100, 10] as const;

/** The tensor that stands for metadata without data. */
const NULL_FORM = createForm(DataType.FLOAT, [0]);

interface FastSeries {
  readonly series: TagSeries;
  readonly dataClass: DataClass;
}

export class FastReader implements Viewer {
  readonly codes = new CodeColumn();
  readonly failures: Failure[] = [];
  readonly #state: ReadingState;
  readonly #samples: Samples;
  readonly #byTag: (FastSeries | undefined)[] = [];
  #isStopped = false;

  constructor(state: ReadingState, samples: Samples) {
    this.#state = state;
    this.#samples = samples;
  }

  get isReading(): boolean {
    return !this.#isStopped;
  }

  openFile(): void {
    this.#isStopped = false;
  }

  /** Does not check the CRC of a record that it can parse. The other files of a run are read whatever is in this one. */
  meetDamage(_part: DamagedPart, hasEvent: boolean): boolean {
    if (!hasEvent) this.#isStopped = true;
    return hasEvent;
  }

  readVersion(): void {}

  passEvent(wallTime: number): void {
    if (Number.isNaN(wallTime)) this.#isStopped = true;
  }

  startSession(): void {}

  addEvent({ step, wallTime, firstPoint, values, tagIndices }: PointEvent): void {
    this.passEvent(wallTime);
    for (let i = 0; i < values.length; i++) {
      if (Number.isFinite(wallTime)) this.#addPoint(firstPoint + i, tagIndices[i]!, step, values[i]!);
      else this.codes.set(firstPoint + i, notFinite);
    }
  }

  #addPoint(point: number, tagIndex: number, step: number | bigint, facts: ValueFacts): void {
    const { points, lifeStart } = this.#state;
    const { series, dataClass } = this.#seriesOf(tagIndex, facts);
    this.codes.set(point, codeOf(series, dataClass, facts));
    series.compareMetadata(facts);
    if (series.sample.capacity === 0) return;
    series.sample.popFast(
      (earlier) => points.stepOf(earlier) >= step,
      (earlier) =>
        this.#remove(
          series,
          earlier,
          earlier < lifeStart || facts.isRetraction ? REASON_CODES.restart : REASON_CODES.order,
        ),
    );
    series.sample.offerFast(point);
  }

  finish(): void {
    const random = (total: number, count: number): number[] => new ChaChaRandom(0n).sample(total, count);
    const rules = { codes: this.codes, points: this.#state.points, samples: this.#samples };
    for (const known of this.#byTag) {
      if (known === undefined) continue;
      const { series } = known;
      const isBroken = settlePage(series, {
        ...rules,
        drawSample: random,
        hasOneBlobPerStep: false,
        convertsAll: false,
      });
      if (isBroken) this.failures.push(toFailure(series));
    }
  }

  tagView(tagIndex: number): TagView | undefined {
    return this.#byTag[tagIndex]?.series;
  }

  #remove(series: TagSeries, point: number, reason: number): void {
    // Hyperparameters are in the metadata, which stay.
    if (series.plugin === 'hparams') return;
    const code = this.codes.at(point);
    // A series of tensors has an empty tensor in the place of missing data.
    const isHidden = code === kind || code === form || code === retraction;
    const isServed = code === noData ? series.page?.dataClass === DataClass.TENSOR : !isHidden;
    if (isServed) this.codes.set(point, reason);
  }

  #seriesOf(tagIndex: number, facts: ValueFacts): FastSeries {
    let known = this.#byTag[tagIndex];
    if (known !== undefined) return known;
    const metadata = firstMetadata(facts);
    const { dataClass } = metadata;
    const sample = new SeriesSample(this.#capacityOf(metadata));
    const series = new TagSeries(this.#state.points.tags[tagIndex]!, sample);
    series.settle(metadata, dataClass);
    known = { series, dataClass };
    this.#byTag[tagIndex] = known;
    return known;
  }

  #capacityOf({ pluginName, dataClass }: SummaryMetadata): number {
    if (dataClass === DataClass.UNKNOWN) return 0;
    if (this.#samples === 'all' || pluginName === 'hparams') return Number.POSITIVE_INFINITY;
    const hint = this.#samples === 'default' ? undefined : this.#samples[pluginName];
    // The hint 0 means all; the page asks for none.
    return hint === 0 ? Number.POSITIVE_INFINITY : (hint ?? CAPACITIES[dataClass] ?? 0);
  }
}

/** The metadata that the first value gives its tag. */
function firstMetadata({ value, plugin, isLegacy }: ValueFacts): SummaryMetadata {
  const { metadata } = value;
  if (metadata !== undefined && metadata.dataClass !== DataClass.UNKNOWN) return copyMetadata(metadata);
  // The metadata of a form of TensorFlow 1 are ignored, with its display name.
  if (isLegacy) return { pluginName: plugin!, dataClass: impliedClass(plugin!) };
  if (metadata === undefined) return { pluginName: '', dataClass: DataClass.UNKNOWN };
  return { ...copyMetadata(metadata), dataClass: impliedClass(metadata.pluginName) };
}

function codeOf(series: TagSeries, dataClass: DataClass, facts: ValueFacts): number {
  const { plugin, page } = series;
  if (facts.isRetraction) return retraction;
  if (page === undefined || plugin === undefined) return series.unlistedCode(facts);
  if (plugin === 'hparams') return series.isIgnored(facts) ? REASON_CODES.metadata : SHOWN;
  if (facts.value.value?.kind === 'obsoleteHistogram') return unreadable(plugin, facts);
  switch (dataClass) {
    case DataClass.SCALAR:
      return numberCode(plugin, facts);
    case DataClass.TENSOR: {
      const isTensor = facts.value.value?.kind === 'tensor' || facts.value.value?.kind === 'histogram';
      if (facts.form === undefined)
        return tensorCode(plugin, facts, NULL_FORM) === REASON_CODES.broken ? REASON_CODES.broken : noData;
      return isTensor ? tensorCode(plugin, facts, facts.form) : unreadable(plugin, facts);
    }
    default: {
      if (facts.form === undefined) return noData;
      const blobs = countBlobs(plugin, facts);
      return blobs === undefined ? unreadable(plugin, facts) : blobCode(plugin, facts, blobs);
    }
  }
}

/** Only a number in a float32 tensor of rank 0, or a simple value. */
function numberCode(plugin: string, facts: ValueFacts): number {
  const { form: tensor } = facts;
  if (tensor === undefined) return noData;
  const isNumber = tensor.isSound && tensor.dtype === DataType.FLOAT && tensor.shape.length === 0;
  if (!isNumber) return unreadable(plugin, facts);
  return facts.plugin === undefined || facts.plugin === plugin ? SHOWN : REASON_CODES.misread;
}

/** The number of blobs of a value; undefined if the reader does not accept the form. */
function countBlobs(plugin: string, { value, form: tensor }: ValueFacts): number | undefined {
  if (value.value?.kind === 'audio') return 1;
  if (tensor?.dtype !== DataType.STRING) return undefined;
  const { shape, stored: strings } = tensor;
  if (shape.length === 1) return strings;
  if (shape.length === 2 && shape[1] === 2 && plugin === 'audio') return Math.floor(strings / 2);
  return shape.length === 0 && strings === 1 && GRAPH_SUB_PLUGINS.has(plugin) ? 1 : undefined;
}
