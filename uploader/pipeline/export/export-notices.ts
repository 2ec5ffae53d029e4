/** What is worth telling of a projection, once. */

import type { ExportCounts, ExportNotice } from '../../../src/polyaxon/export/exporter.js';
import type { StoreNotice } from '../../store/base/store.js';

/** A run with more than these has a habit, not an accident. */
const MAX_NOTICES = 20;

export class ExportNotices {
  readonly #runUuid: string;
  readonly #onNotice: (notice: StoreNotice) => void;
  readonly #told = new Set<string>();

  constructor(runUuid: string, onNotice: (notice: StoreNotice) => void) {
    this.#runUuid = runUuid;
    this.#onNotice = onNotice;
  }

  /** Something was renamed, or cannot be read. */
  tell({ message }: Pick<ExportNotice, 'message'>): void {
    if (this.#told.size >= MAX_NOTICES || this.#told.has(message)) return;
    this.#told.add(message);
    const more = this.#told.size === MAX_NOTICES ? '; what else there is of this kind is not told' : '';
    this.#onNotice({ code: 'NOTICE_EXPORT', message: `${this.#runUuid}: ${message}${more}` });
  }

  /** Values that Polyaxon has nothing for. */
  reportCounts({ unexported }: ExportCounts): void {
    for (const plugin of Object.keys(unexported))
      this.tell({
        message: `Polyaxon has nothing for values of the plugin ${plugin}: TensorBoard alone shows them`,
      });
  }

  /** An earlier process has told of these. */
  skipCounts(counts: ExportCounts): void {
    const silent = new ExportNotices(this.#runUuid, () => undefined);
    silent.reportCounts(counts);
    for (const message of silent.#told) this.#told.add(message);
  }
}
