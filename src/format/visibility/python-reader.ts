/**
 * TensorBoard's Python reader, which reads `s3://` and other URLs, and local files with `--load_fast false`.
 *
 * A tag belongs to the plugin of its first metadata, and holds the values of all plugins. The second and every later session start removes
 * the points of all tags from its step on, but not their metadata. Source: tensorboard/backend/event_processing/plugin_event_accumulator.py,
 * data_provider.py and event_file_loader.py of TensorBoard 2.21, observed over HTTP.
 */

import { countElements } from '../reader/tensor-values.js';
import { DataClass, DataType, type SummaryMetadata } from '../wire/messages.js';
import {
  blobCode,
  GRAPH_SUB_PLUGINS,
  impliedClass,
  numberCode,
  PAGES,
  PYTHON_DEFAULT_SIZE,
  pageOf,
  tensorCode,
  unreadable,
} from './pages.js';
import { CodeColumn } from './point-table.js';
import { PythonRandom } from './python-random.js';
import { REASON_CODES, SHOWN } from './reasons.js';
import { SeriesSample } from './series-sample.js';
import { settlePage, TagSeries, toFailure } from './tag-series.js';
import { copyMetadata, createForm, type TensorForm, type ValueFacts } from './value-facts.js';
import type { DamagedPart, Failure, PointEvent, ReadingState, Samples, TagView, Viewer } from './viewer.js';

const { broken, misread, noData, noPage, order, restart } = REASON_CODES;

/** The suffix of files that this reader does not read. Source: io_wrapper.py. */
export const SKIPPED_SUFFIX = '.profile-empty';

/** The tensor that stands for hyperparameters without data. */
const NULL_FORM = createForm(DataType.FLOAT, [0]);

interface PythonTag {
  readonly series: TagSeries;
  /** Whether the tag has ever had a value with data. */
  hasData: boolean;
  /** Values that came before the tag's metadata. */
  early: { readonly point: number; readonly value: MigratedValue }[];
}

/** A value in the form to which the reader converts it. */
interface MigratedValue {
  readonly facts: ValueFacts;
  readonly metadata: SummaryMetadata | undefined;
  readonly form: TensorForm | undefined;
}

export class PythonReader implements Viewer {
  readonly codes = new CodeColumn();
  readonly failures: Failure[] = [];
  readonly #state: ReadingState;
  readonly #samples: Samples;
  readonly #byTag: (PythonTag | undefined)[] = [];
  /** By tag: the first metadata in the current file. */
  readonly #firstInFile = new Map<number, SummaryMetadata>();
  #stopped: 'file' | 'run' | undefined;
  #version = 0;
  #hasStarted = false;
  #lastStep: number | bigint = -1;

  constructor(state: ReadingState, samples: Samples) {
    this.#state = state;
    this.#samples = samples;
  }

  get isReading(): boolean {
    return this.#stopped === undefined;
  }

  openFile(name: string): void {
    this.#firstInFile.clear();
    if (this.#stopped !== 'run') this.#stopped = name.endsWith(SKIPPED_SUFFIX) ? 'file' : undefined;
  }

  /** Stops loading altogether at a record that is not an event. */
  meetDamage(part: DamagedPart): boolean {
    if (part === 'event') this.#stopped = 'run';
    else this.#stopped ??= 'file';
    return false;
  }

  passEvent(): void {}

  readVersion(version: string): void {
    const number = Number(version.split('brain.Event:').at(-1));
    this.#version = Number.isNaN(number) ? -1 : number;
  }

  /** The first start of a run only arms; every later one is a restart. */
  startSession(step: number | bigint): void {
    if (this.#version < 2) return;
    if (this.#hasStarted) for (const tag of this.#byTag) this.#removeFrom(tag, step);
    this.#hasStarted = true;
  }

  addEvent({ step, firstPoint, values, tagIndices }: PointEvent): void {
    // In files of old versions, which have no session starts, a smaller step is a restart.
    if (this.#version < 2 && step < this.#lastStep) {
      for (let i = 0; i < values.length; i++) {
        this.#removeFrom(this.#byTag[tagIndices[i]!], step, values[i]!.isRetraction);
      }
    }
    this.#lastStep = step;
    for (let i = 0; i < values.length; i++) this.#addPoint(firstPoint + i, tagIndices[i]!, values[i]!);
  }

  #addPoint(point: number, tagIndex: number, facts: ValueFacts): void {
    const tag = this.#tagOf(tagIndex);
    const { series } = tag;
    const value = this.#migrate(tagIndex, facts);
    if (series.metadata === undefined && value.metadata !== undefined) {
      series.settle(copyMetadata(value.metadata), value.metadata.dataClass);
      for (const early of tag.early.splice(0)) {
        if (this.codes.at(early.point) === noPage) this.codes.set(early.point, codeOf(series, early.value));
      }
    }
    if (series.metadata === undefined) tag.early.push({ point, value: withoutBytes(value) });
    this.codes.set(point, codeOf(series, value));
    series.compareMetadata(facts);
    if (value.form === undefined) return;
    if (!tag.hasData) series.sample.capacity = this.#capacityOf(series.metadata);
    tag.hasData = true;
    series.sample.offerPython(point);
  }

  finish(): void {
    const rules = {
      codes: this.codes,
      points: this.#state.points,
      samples: this.#samples,
      drawSample: (total: number, count: number): number[] => new PythonRandom(0).sample(total, count),
      hasOneBlobPerStep: true,
      convertsAll: true,
    };
    for (const tag of this.#byTag) {
      if (tag === undefined) continue;
      const { series, hasData } = tag;
      const { metadata, plugin } = series;
      if (metadata === undefined || plugin === undefined) continue;
      // A page fails if one of its tags has never had data; that of images and that of layouts also if no data are left.
      const isListed = pageOf(plugin, metadata.dataClass) !== undefined;
      const needsData = plugin === 'images' || (plugin === 'custom_scalars' && series.page !== undefined);
      const isEmpty = !hasData || (needsData && series.sample.kept.length === 0);
      if (isListed && isEmpty) this.failures.push({ plugin, tag: series.tag, scope: 'page' });
      if (settlePage(series, rules)) this.failures.push(toFailure(series));
    }
  }

  tagView(tagIndex: number): TagView | undefined {
    return this.#byTag[tagIndex]?.series;
  }

  #tagOf(tagIndex: number): PythonTag {
    let tag = this.#byTag[tagIndex];
    if (tag === undefined) {
      const series = new TagSeries(this.#state.points.tags[tagIndex]!, new SeriesSample(0));
      tag = { series, hasData: false, early: [] };
      this.#byTag[tagIndex] = tag;
    }
    return tag;
  }

  /** Depends on the metadata that are known when the first value with data comes. */
  #capacityOf(metadata: SummaryMetadata | undefined): number {
    const plugin = metadata?.pluginName ?? '';
    const hint = typeof this.#samples === 'string' ? undefined : this.#samples[plugin];
    const size = hint ?? PAGES[plugin]?.pythonSize ?? PYTHON_DEFAULT_SIZE;
    return this.#samples === 'all' || size === 0 ? Number.POSITIVE_INFINITY : size;
  }

  #removeFrom(tag: PythonTag | undefined, step: number | bigint, isRetracted = false): void {
    // Hyperparameters are in the metadata, which stay.
    if (tag === undefined || tag.series.plugin === 'hparams') return;
    const { points, lifeStart } = this.#state;
    tag.series.sample.filterPython(
      (point) => points.stepOf(point) >= step,
      (point) => {
        const code = this.codes.at(point);
        const isOpen = code === SHOWN || code === misread || code === broken || code === noPage;
        if (isOpen) this.codes.set(point, point < lifeStart || isRetracted ? restart : order);
      },
    );
  }

  /** As in tensorboard/data_compat.py and dataclass_compat.py. The first metadata of the tag in the file decide what is filled in. */
  #migrate(tagIndex: number, facts: ValueFacts): MigratedValue {
    const { value, plugin } = facts;
    const own = facts.isLegacy ? { ...value.metadata, ...legacy(plugin!) } : value.metadata;
    let first = this.#firstInFile.get(tagIndex);
    if (first === undefined) {
      first = { pluginName: own?.pluginName ?? '', dataClass: own?.dataClass ?? DataClass.UNKNOWN };
      this.#firstInFile.set(tagIndex, first);
    }
    const dataClass =
      first.dataClass === DataClass.UNKNOWN ? impliedClass(first.pluginName) : DataClass.UNKNOWN;
    if (dataClass === DataClass.UNKNOWN) return { facts, metadata: own, form: facts.form };
    const metadata = own === undefined ? undefined : { ...own, dataClass };
    return { facts, metadata, form: migrateForm(first.pluginName, facts.form) };
  }
}

/** The value without its bytes, to be kept. */
function withoutBytes({ facts, metadata, form }: MigratedValue): MigratedValue {
  const { tag } = facts.value;
  const value =
    form === undefined ? { tag } : { tag, value: { kind: 'simpleValue', simpleValue: 0 } as const };
  return { facts: { ...facts, value }, metadata, form };
}

function legacy(pluginName: string): SummaryMetadata {
  return { pluginName, dataClass: DataClass.UNKNOWN };
}

/** The form of the tensor that the reader makes of a value whose tag names no data class. */
export function migrateForm(plugin: string, form: TensorForm | undefined): TensorForm | undefined {
  if (form === undefined) return plugin === 'hparams' ? NULL_FORM : undefined;
  const { shape } = form;
  const { dtype, stored, isContent } = form;
  if (plugin === 'audio' && shape.length > 1) {
    // Keeps the first of each row of strings. Other values stay, and no longer fit the shape.
    const stride = countElements(shape.slice(1));
    const isString = dtype === DataType.STRING && stride > 0;
    return createForm(dtype, shape.slice(0, 1), isString ? Math.ceil(stored / stride) : stored, isContent);
  }
  if (GRAPH_SUB_PLUGINS.has(plugin) && shape.length === 0) return createForm(dtype, [1], stored, isContent);
  return form;
}

function codeOf(series: TagSeries, { facts, form }: MigratedValue): number {
  const { plugin, page } = series;
  if (facts.isRetraction) return REASON_CODES.retraction;
  if (page === undefined || plugin === undefined) return series.unlistedCode(facts);
  if (plugin === 'hparams') return series.isIgnored(facts) ? REASON_CODES.metadata : SHOWN;
  if (form === undefined) return facts.value.value === undefined ? noData : unreadable(plugin, facts);
  switch (page.dataClass) {
    case DataClass.SCALAR:
      return numberCode(plugin, facts, form);
    case DataClass.TENSOR:
      return tensorCode(plugin, facts, form);
    default:
      return blobCode(plugin, facts, form.elements, form.dtype === DataType.STRING);
  }
}
