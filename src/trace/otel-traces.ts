/**
 * Buffers spans until their tree is complete. OpenTelemetry exports each span when it ends, children before their parents, so a tree
 * is complete when its root arrives.
 *
 * Buffers spans without a root up to a time and a number of spans, then emits them in parts. No span is dropped.
 */

import type { Clock } from '../base/clock.js';
import { describe } from '../base/describe.js';
import type { Diagnostics } from '../base/diagnostics.js';
import type { OpenTrace, OpenTraceKeeper, OpenTraceSource } from './open-traces.js';
import type { OtelRecord } from './otel-record.js';
import type { JsonRecord, SpanJson } from './span.js';
import { assembleSpan } from './span-tree.js';
import type { TraceBudget } from './span-values.js';

interface OtelTracesOptions {
  readonly clock: Clock;
  readonly diagnostics: Diagnostics;
  readonly emit: (span: SpanJson) => void;
  /** Maximum number of levels of a tree. Deeper spans become separate trees. */
  readonly maxDepth: number;
  readonly maxBufferedSpans: number;
  readonly waitForRootMs: number;
  readonly waitForLateMs: number;
}

interface PendingTrace extends TraceBudget, OpenTrace {
  /** By span id, in order of arrival. */
  readonly records: Map<string, OtelRecord>;
  lastArrivalMs: number;
}

/** Number of traces whose roots are remembered, to distinguish late spans from spans whose root never arrives. */
const MAX_WRITTEN_ROOTS = 1000;

export class OtelTraces implements OpenTraceSource {
  readonly #options: OtelTracesOptions;
  /** Least recently used first. */
  readonly #pending = new Map<string, PendingTrace>();
  readonly #writtenRoots = new Map<string, string>();
  #bufferedSpans = 0;
  /** Saves the buffered spans, if the receiver is a run. */
  keeper: OpenTraceKeeper | undefined;

  constructor(options: OtelTracesOptions) {
    this.#options = options;
  }

  /** Returns the budget that the values of a trace share. */
  budgetOf(traceId: string): TraceBudget {
    return this.#touch(traceId);
  }

  /** Adds the spans of one export, then emits the trees whose root has arrived. */
  add(records: readonly OtelRecord[]): void {
    for (const record of records) {
      const { records: known, unsaved } = this.#touch(record.traceId);
      // A retried export contains the same spans again.
      if (!known.has(record.spanId)) this.#bufferedSpans += 1;
      known.set(record.spanId, record);
      if (this.keeper !== undefined)
        unsaved.set(record, () => assembleSpan(record.span, toNotes(record), []));
    }
    const complete = records.filter(({ isRoot, isOwn }) => isRoot || isOwn);
    for (const traceId of new Set(complete.map((record) => record.traceId))) this.#emitRoots(traceId);
    while (this.#bufferedSpans > this.#options.maxBufferedSpans) {
      this.#emitRest(this.#pending.keys().next().value!, 'too many spans are buffered');
    }
    if (!this.isEmpty) this.keeper?.changed();
  }

  /** Emits spans whose waiting time is over. */
  sweep(): void {
    const now = this.#options.clock.monotonicMs();
    for (const traceId of [...this.#pending.keys()]) {
      if (this.#dueMs(traceId) <= now) this.#emitRest(traceId, 'its parent did not arrive in time');
    }
  }

  /** Emits the buffered spans whose root is written, and saves those of open traces. `isFinal`: emits these as well. */
  flush(isFinal: boolean): void {
    for (const traceId of [...this.#pending.keys()]) {
      if (isFinal || this.#writtenRoots.has(traceId)) this.#emitRest(traceId, 'its parent has not arrived');
    }
    this.keeper?.save();
  }

  openTraces(): Iterable<OpenTrace> {
    return this.#pending.values();
  }

  get isEmpty(): boolean {
    return this.#pending.size === 0;
  }

  #touch(traceId: string): PendingTrace {
    const trace = this.#pending.get(traceId) ?? {
      key: traceId,
      unsaved: new Map(),
      records: new Map(),
      length: 0,
      lastArrivalMs: 0,
    };
    trace.lastArrivalMs = this.#options.clock.monotonicMs();
    this.#pending.delete(traceId);
    this.#pending.set(traceId, trace);
    return trace;
  }

  #dueMs(traceId: string): number {
    const { waitForLateMs, waitForRootMs } = this.#options;
    const waitMs = this.#writtenRoots.has(traceId) ? waitForLateMs : waitForRootMs;
    return this.#pending.get(traceId)!.lastArrivalMs + waitMs;
  }

  #rememberRoot({ traceId, span }: OtelRecord): void {
    if (this.#writtenRoots.has(traceId)) return;
    this.#writtenRoots.set(traceId, span.uuid);
    if (this.#writtenRoots.size > MAX_WRITTEN_ROOTS) {
      this.#writtenRoots.delete(this.#writtenRoots.keys().next().value!);
    }
  }

  #emitRoots(traceId: string): void {
    const trace = this.#pending.get(traceId)!;
    const childrenOf = groupByParent(trace);
    const all = [...trace.records.values()];
    for (const root of all.filter(({ isRoot }) => isRoot)) this.#rememberRoot(root);
    // The tracer of a recorded span writes it, so the spans below it are the tops of separate trees.
    const own = all.filter(({ isOwn }) => isOwn);
    for (const record of own) this.#take(trace, record);
    for (const child of own.flatMap(({ spanId }) => childrenOf.get(spanId) ?? []))
      if (trace.records.has(child.spanId)) this.#emitTree(trace, childrenOf, child);
    for (const root of all)
      if (root.isRoot && trace.records.has(root.spanId)) this.#emitTree(trace, childrenOf, root);
    if (trace.records.size === 0) this.#forget(traceId);
  }

  /** Emits the buffered spans of a trace, each below its parent if that has arrived. */
  #emitRest(traceId: string, why: string): void {
    const trace = this.#pending.get(traceId)!;
    const childrenOf = groupByParent(trace);
    while (trace.records.size > 0) {
      const all = [...trace.records.values()];
      const tops = all.filter(({ parentId }) => parentId === undefined || !trace.records.has(parentId));
      // A cycle of parents has no top span, so use the first one.
      for (const top of tops.length > 0 ? tops : all.slice(0, 1)) {
        this.#warnAbout(top, why);
        this.#emitTree(trace, childrenOf, top);
      }
    }
    this.#forget(traceId);
  }

  #forget(traceId: string): void {
    this.#pending.delete(traceId);
    this.keeper?.emitted(traceId);
  }

  #warnAbout({ traceId, span }: OtelRecord, why: string): void {
    const isLate = this.#writtenRoots.has(traceId);
    this.#options.diagnostics.warn(
      isLate ? 'WARN_SPAN_LATE' : 'WARN_SPAN_ORPHANED',
      `the span ${describe(span.name)} is written separately: ${isLate ? 'it arrived after its root' : why}`,
    );
  }

  #emitTree(trace: PendingTrace, childrenOf: Children, top: OtelRecord): void {
    const tops = [top];
    for (let next = tops.pop(); next !== undefined; next = tops.pop()) {
      const { traceId, parentUuid, span, resource } = next;
      const rootUuid = this.#writtenRoots.get(traceId);
      if (resource.size > 0) span.metadata.setJson('resource', resource.toJson());
      const hasRoot = parentUuid !== undefined && rootUuid !== undefined && rootUuid !== span.uuid;
      const notes = {
        ...toNotes(next),
        ...(hasRoot ? { root_uuid: rootUuid } : {}),
      };
      this.#options.emit(this.#build(trace, childrenOf, next, 0, tops, notes));
    }
  }

  #build(
    trace: PendingTrace,
    childrenOf: Children,
    record: OtelRecord,
    depth: number,
    deeper: OtelRecord[],
    notes: JsonRecord = {},
  ): SpanJson {
    this.#take(trace, record);
    const children: SpanJson[] = [];
    for (const child of childrenOf.get(record.spanId) ?? []) {
      if (!trace.records.has(child.spanId)) continue;
      if (depth < this.#options.maxDepth) {
        children.push(this.#build(trace, childrenOf, child, depth + 1, deeper));
      } else {
        this.#options.diagnostics.warn(
          'WARN_SPAN_SPLIT',
          `the span ${describe(child.span.name)} is written separately: it is deeper than ${this.#options.maxDepth} levels`,
        );
        deeper.push(child);
      }
    }
    return assembleSpan(record.span, notes, children);
  }

  #take(trace: PendingTrace, record: OtelRecord): void {
    trace.unsaved.delete(record);
    if (trace.records.delete(record.spanId)) this.#bufferedSpans -= 1;
  }
}

function toNotes({ parentUuid }: OtelRecord): JsonRecord {
  return parentUuid === undefined ? {} : { parent_uuid: parentUuid };
}

/** Children by parent id, in the order of their start. */
type Children = ReadonlyMap<string | undefined, readonly OtelRecord[]>;

function groupByParent({ records }: PendingTrace): Children {
  const children = new Map<string | undefined, OtelRecord[]>();
  for (const record of [...records.values()].sort((a, b) => a.startMicros - b.startMicros)) {
    const siblings = children.get(record.parentId);
    if (siblings === undefined) children.set(record.parentId, [record]);
    else siblings.push(record);
  }
  return children;
}
