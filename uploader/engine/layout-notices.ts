/** Reports log directories that an earlier upload has stored in other runs than they would be in now. */

import type { Scanner } from '../pipeline/scan/scanner.js';
import type { UploaderContext } from './context/uploader-context.js';

/** Call after each scan: reports each directory once. */
export function reportStoredElsewhere({ onNotice }: UploaderContext, scanner: Scanner): void {
  const { kept, replaced } = scanner.takeStoredElsewhere();
  if (kept.length > 0) {
    const message = `log directories stay in the runs that an earlier upload has created (${toList(kept)}), although their layout now gives other runs; pass --split or --group to create those`;
    onNotice({ code: 'NOTICE_LAYOUT_KEPT', message });
  }
  if (replaced.length > 0) {
    const message = `log directories were stored in other runs before (${toList(replaced)}); these runs stay in the store and in Polyaxon until you delete them`;
    onNotice({ code: 'NOTICE_LAYOUT_REPLACED', message });
  }
}

function toList([first, ...others]: readonly string[]): string {
  return others.length === 0 ? first! : `${first} and ${others.length} more`;
}
