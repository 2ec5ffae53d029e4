/** Reports each notice of a run's export once. */

import type { ExportCounts, ExportNotice } from '../../../src/polyaxon/export/exporter.js';
import type { StoreNotice } from '../../store/base/store.js';

/** Notices per run; beyond this number, more of them add no information. */
const MAX_NOTICES = 20;

export class ExportNotices {
  readonly #runUuid: string;
  readonly #onNotice: (notice: StoreNotice) => void;
  readonly #reported = new Set<string>();

  constructor(runUuid: string, onNotice: (notice: StoreNotice) => void) {
    this.#runUuid = runUuid;
    this.#onNotice = onNotice;
  }

  /** Reports a notice, such as a renamed metric or an unreadable file, unless it was reported before. */
  report({ message }: Pick<ExportNotice, 'message'>): void {
    if (this.#reported.size >= MAX_NOTICES || this.#reported.has(message)) return;
    this.#reported.add(message);
    const more = this.#reported.size === MAX_NOTICES ? '; further notices of this kind are not reported' : '';
    this.#onNotice({ code: 'NOTICE_EXPORT', message: `${this.#runUuid}: ${message}${more}` });
  }

  /** Reports the plugins whose values cannot be exported to Polyaxon. */
  reportCounts({ unexported }: ExportCounts): void {
    for (const plugin of Object.keys(unexported))
      this.report({
        message: `Polyaxon has no kind for values of the plugin ${plugin}; only TensorBoard shows them`,
      });
  }

  /** Marks counts as reported, because an earlier process has reported them. */
  skipCounts(counts: ExportCounts): void {
    const silent = new ExportNotices(this.#runUuid, () => undefined);
    silent.reportCounts(counts);
    for (const message of silent.#reported) this.#reported.add(message);
  }
}
