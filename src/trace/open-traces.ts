/** Traces that are open: what has started or ended in them is saved in a journal, so that it survives the process. */

import type { SpanJson } from './span.js';

export interface OpenTrace {
  /** Names the trace in the journal: 32 hex digits. */
  readonly key: string;
  /** What has started or ended since the trace was saved, with functions that give it without children. */
  readonly unsaved: Map<object, () => SpanJson>;
}

/** A holder of open traces, such as an exporter of OpenTelemetry spans. */
export interface OpenTraceSource {
  openTraces(): Iterable<OpenTrace>;
}

/** What a holder of open traces calls. */
export interface OpenTraceKeeper {
  /** Something has started or ended. */
  changed(): void;
  /** Saves now. */
  save(): void;
  /** A trace was emitted as a whole. */
  emitted(key: string): void;
}

/** A run, as receiver of spans. */
export interface SpanRun {
  logTrace(span: SpanJson): void;
  /** @internal Saves the open traces of a source with those of the run. */
  readonly keepTraces?: ((source: OpenTraceSource) => OpenTraceKeeper | undefined) | undefined;
}
