import type { JsonValue } from '../../base/json-value.js';
import { toOwnerOfHParams } from '../../format/log-directory-name.js';
import { hashName, toFallbackName, toReadableName } from '../names.js';
import type { HParamsSession } from './exported-value.js';
import { toFullName } from './name-space.js';
import type { ExportNotice } from './series-index.js';

/**
 * Converts the hyperparameters of a session to inputs of the run, by Polyaxon's names. They are those of the whole run, so their names do not begin with the
 * directory of a phase (`train`) or of a call of `add_hparams` (`1700000000.25`).
 */
export function toInputs(
  session: HParamsSession,
  logDirectory: string,
  notify: (notice: ExportNotice) => void,
): Map<string, JsonValue> {
  const inputs = new Map<string, JsonValue>();
  const owner = toOwnerOfHParams(logDirectory);
  for (const [hparam, value] of Object.entries(session.hparams)) {
    const rawName = toFullName({ logDirectory: owner, rawName: hparam });
    const sanitized = toReadableName(rawName);
    const wanted = sanitized === '' ? toFallbackName(rawName) : sanitized;
    const name = inputs.has(wanted) ? `${wanted}-${hashName(rawName).slice(0, 8)}` : wanted;
    if (name !== sanitized) {
      const code = sanitized === '' ? 'WARN_NAME_GENERATED' : 'WARN_NAME_TAKEN';
      const reason =
        sanitized === '' ? 'it has no characters that Polyaxon allows' : `another input is called ${wanted}`;
      const message = `input ${JSON.stringify(rawName)} is stored as ${name} in Polyaxon: ${reason}`;
      notify({ code, message, kind: 'input', rawName, name });
    }
    // JSON has no NaN or infinities.
    inputs.set(name, typeof value === 'number' && !Number.isFinite(value) ? String(value) : value);
  }
  return inputs;
}
