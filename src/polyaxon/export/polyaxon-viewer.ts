/**
 * What Polyaxon shows of a run: the values that the export converts to rows, one for each step after a restart.
 *
 * Polyaxon has a file for each kind and tag, so that values of other kinds hide nothing, and it shows all rows, whatever their order. The same rules
 * as in `Exporter`; `test/polyaxon-server/visibility.test.ts` compares both.
 */

import { InvalidValueError } from '../../base/errors.js';
import { IntStack } from '../../format/visibility/int-stack.js';
import { CodeColumn } from '../../format/visibility/point-table.js';
import { REASON_CODES, SHOWN } from '../../format/visibility/reasons.js';
import type { ValueFacts } from '../../format/visibility/value-facts.js';
import type {
  DamagedPart,
  Failure,
  PointEvent,
  ReadingState,
  TagView,
  Viewer,
} from '../../format/visibility/viewer.js';
import type { SummaryValue } from '../../format/wire/messages.js';
import { type ExportedEvent, exportValue, toExportedEvent } from './exported-value.js';
import { TagTable } from './tag-table.js';

const { form, noData, noPage, restart, retraction } = REASON_CODES;

export class PolyaxonViewer implements Viewer {
  readonly codes = new CodeColumn();
  readonly failures: readonly Failure[] = [];
  readonly #state: ReadingState;
  readonly #table = new TagTable('');
  /** By tag: the points that have rows which a restart or a retraction may remove. */
  readonly #rows: (IntStack | undefined)[] = [];
  #fileStart = 0;
  #isStopped = false;
  #hasStarted = false;
  /** The last facts of a single number, and their codes: the numbers of a source have the same facts. */
  #last: ValueFacts | undefined;
  #lastCodes: number[] = [];

  constructor(state: ReadingState) {
    this.#state = state;
  }

  get isReading(): boolean {
    return !this.#isStopped;
  }

  openFile(): void {
    this.#isStopped = false;
    this.#fileStart = this.#state.points.count;
  }

  /** The export skips damage, but waits for the rest of a record that is cut short. */
  meetDamage(part: DamagedPart): boolean {
    if (part === 'torn') this.#isStopped = true;
    return false;
  }

  readVersion(): void {}

  passEvent(): void {}

  /** As in src/format/restarts.ts: the first start only begins the job, unless its step is above 0 and an earlier file has none. */
  startSession(step: number | bigint): void {
    const isFirst = !this.#hasStarted;
    this.#hasStarted = true;
    if (isFirst && step <= 0) return;
    const end = isFirst ? this.#fileStart : this.#state.points.count;
    for (const rows of this.#rows) if (rows !== undefined) this.#removeFrom(rows, step, end);
  }

  addEvent({ step, firstPoint, values, tagIndices }: PointEvent): void {
    const codes = this.#codesOf(values);
    for (let i = 0; i < values.length; i++) {
      const code = codes[i]!;
      this.codes.set(firstPoint + i, code);
      const tag = tagIndices[i]!;
      const rows = this.#rows[tag];
      if (rows !== undefined && values[i]!.removesRows) this.#removeFrom(rows, step, firstPoint);
      // Hyperparameters become inputs of the run, which stay.
      if (code !== SHOWN || values[i]!.plugin === 'hparams') continue;
      if (rows === undefined) this.#rows[tag] = new IntStack();
      this.#rows[tag]!.push(firstPoint + i);
    }
  }

  /** Removes the rows of points before `end` from a step on. */
  #removeFrom(rows: IntStack, step: number | bigint, end: number): void {
    const { points } = this.#state;
    rows.filter((point) => {
      const isKept = points.stepOf(point) < step || point >= end;
      if (!isKept) this.codes.set(point, restart);
      return isKept;
    });
  }

  finish(): void {}

  tagView(tagIndex: number): TagView | undefined {
    const tag = this.#state.points.tags[tagIndex];
    if (tag === undefined) return undefined;
    const { pluginName } = this.#table.infoOf({ tag });
    return { plugin: pluginName, metadata: undefined, ignoredMetadata: 0 };
  }

  #codesOf(values: readonly ValueFacts[]): number[] {
    const [first] = values;
    if (values.length === 1 && first === this.#last) return this.#lastCodes;
    const event = toExportedEvent(
      values.map(({ value }) => value),
      this.#table,
    );
    this.#lastCodes = event.values.map((value) => codeOf(value, event));
    this.#last = values.length === 1 ? first : undefined;
    return this.#lastCodes;
  }
}

function codeOf(value: SummaryValue, event: ExportedEvent): number {
  const content = value.value;
  if (content?.kind === 'obsoleteHistogram') return retraction;
  try {
    const exported = exportValue(value, event.table.infoOf(value), event);
    if (exported === 'preview') return noPage;
    return exported !== undefined ? SHOWN : content === undefined ? noData : noPage;
  } catch (error) {
    if (error instanceof InvalidValueError) return form;
    throw error;
  }
}
