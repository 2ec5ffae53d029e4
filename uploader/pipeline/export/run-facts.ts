/** The facts of a run's export, from its session. */

import { ExportSession } from '../../../src/polyaxon/export/export-session.js';
import type { ExportFacts } from '../report/export-facts.js';

export class SessionFacts implements ExportFacts {
  state: ExportFacts['state'] = 'undecided';
  isCaughtUp = false;
  /** Whether there are Polyaxon event files of the series. */
  hasFiles = true;
  session = new ExportSession();

  get inputs(): ExportFacts['inputs'] {
    return this.session.inputs;
  }

  lastValues(): ReturnType<ExportFacts['lastValues']> {
    return this.session.lastValues();
  }

  artifacts(): ReturnType<ExportFacts['artifacts']> {
    return this.hasFiles ? this.session.artifacts() : [];
  }

  get counts(): ExportFacts['counts'] {
    return this.session.counts;
  }
}
