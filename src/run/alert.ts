/**
 * `run.alert`: writes an alert to a file of the run, one JSON object in each line. The uploader sends it to a webhook
 * (uploader/alerts/). The line is in the file when the call returns, so it survives the end of the process.
 */

import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { appendText } from '../base/append-file.js';
import { describe } from '../base/describe.js';
import { InvalidArgumentError, RunWriteError } from '../base/errors.js';
import { checkOptions, type OptionTable } from '../base/options.js';
import { toWellFormedText } from '../base/well-formed-text.js';
import { toIsoTime } from '../polyaxon/run-record.js';
import {
  ALERT_LEVELS,
  type AlertLevel,
  type AlertRecord,
  toAlertsPath,
} from '../run-directory/alerts-file.js';
import type { RunContext } from './run-context.js';

export interface AlertOptions {
  /** One line of 1 to 256 characters. */
  readonly title: string;
  /** At most 4,000 characters. Default: none. */
  readonly text?: string | undefined;
  /** Default `info`. */
  readonly level?: AlertLevel | undefined;
}
const ALERT_OPTIONS: OptionTable<AlertOptions> = { title: 'any', text: 'any', level: 'any' };

const MAX_TITLE_CHARACTERS = 256;
/** Slack cuts longer texts. Source: Slack's `chat.postMessage`, "Truncating content". */
const MAX_TEXT_CHARACTERS = 4_000;

/** Checks and writes an alert. A disk that fails is reported like that of events. */
export function writeAlert(context: RunContext, options: AlertOptions): void {
  context.guard(() => {
    context.checkOpen();
    checkOptions('alert', options ?? null, ALERT_OPTIONS);
    const { title, text, level } = options;
    if (text !== undefined) checkText('text', text, MAX_TEXT_CHARACTERS);
    checkText('title', title, MAX_TITLE_CHARACTERS);
    if (title.trim() === '') throw invalidText('title is empty, expected what has happened');
    const found = ALERT_LEVELS.find((known) => known === (level ?? 'info'));
    if (found === undefined)
      throw new InvalidArgumentError(
        'ERR_OPTION_INVALID',
        `alert: level is ${describe(level)}, expected ${ALERT_LEVELS.join(', ')}`,
        "Omit level, or pass 'info', 'warn' or 'error'.",
      );
    const { environment, clock, directory, masker } = context;
    if (environment.mode === 'no-op') return;
    masker.refresh();
    const { name, project } = directory.record;
    const alert: AlertRecord = {
      id: randomUUID(),
      time: toIsoTime(clock.wallTime()),
      level: found,
      title: context.maskText('title', toWellFormedText(title).text),
      text: context.maskText('text', toWellFormedText(text ?? '').text),
      run: { uuid: environment.uuid, name, ...(project === undefined ? {} : { project }) },
    };
    append(context, toAlertsPath(environment.paths.run, environment.writer), `${JSON.stringify(alert)}\n`);
  });
}

function append({ diagnostics }: RunContext, path: string, line: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // One write, so that two processes never mix their lines.
    appendText(path, line);
  } catch (cause) {
    diagnostics.error(new RunWriteError(path, 'write an alert', { cause }));
  }
}

function checkText(name: string, text: unknown, maxCharacters: number): void {
  if (typeof text !== 'string') throw invalidText(`${name} is ${describe(text)}, expected a string`);
  if (text.length > maxCharacters)
    throw invalidText(`${name} has ${text.length} characters, expected at most ${maxCharacters}`);
}

function invalidText(message: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_TEXT_INVALID',
    `alert: ${message}`,
    "Pass { title: 'Loss is NaN', text: 'at step 400', level: 'error' }.",
  );
}
