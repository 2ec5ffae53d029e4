/** Sends alerts to a webhook, as JSON with a `text` that Slack, Mattermost and Teams show. */

import { messageOf } from '../../src/base/errors.js';
import type { AlertRecord } from '../../src/run-directory/alerts-file.js';
import type { Transport } from '../base/http/transport.js';
import { findRetryRow, type RetryOutcome } from '../base/retry-table.js';

/** `rejected`: the webhook does not accept this alert; `refused`: it accepts none. */
type WebhookOutcome =
  | { readonly status: 'delivered' }
  | { readonly status: 'rejected' | 'refused'; readonly reason: string }
  | RetryOutcome;

const SILENCE_MS = 10_000;
/** What is wrong with one alert. Any other answer concerns the URL. */
const REJECTED = [400, 413, 415, 422];

export async function sendAlert(
  transport: Transport,
  url: URL,
  alert: AlertRecord,
  signal: AbortSignal | undefined,
): Promise<WebhookOutcome> {
  const body = Buffer.from(JSON.stringify(toMessage(alert)));
  const headers = { 'content-type': 'application/json', 'idempotency-key': alert.id };
  try {
    const response = await transport.send({
      method: 'POST',
      url,
      headers,
      body,
      silenceMs: SILENCE_MS,
      signal,
    });
    response.body.destroy();
    const { status } = response;
    if (status >= 200 && status < 300) return { status: 'delivered' };
    // Neither the URL nor the answer is repeated: the URL is a secret, and the answer may contain it.
    const cause = new Error(`the webhook at ${url.host} answered ${status}`);
    if (findRetryRow({ code: undefined, httpStatus: status }) !== null)
      return { status: 'retry', cause, afterMs: toDelayMs(response.headers['retry-after']) };
    return { status: REJECTED.includes(status) ? 'rejected' : 'refused', reason: cause.message };
  } catch (error) {
    signal?.throwIfAborted();
    return {
      status: 'retry',
      cause: new Error(`the webhook at ${url.host} does not answer: ${messageOf(error)}`),
    };
  }
}

const MARKS = { info: 'ℹ️', warn: '⚠️', error: '🚨' } as const;

function toMessage({ id, time, level, title, text, run }: AlertRecord): object {
  const place = [run.project, run.name, run.uuid.slice(0, 8)].filter(
    (part) => part !== undefined && part !== '',
  );
  const lines = [`${MARKS[level]} ${title}`, ...(text === '' ? [] : [text]), `run ${place.join(' / ')}`];
  return { text: lines.join('\n'), id, level, title, message: text, time, run };
}

function toDelayMs(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,5}$/.test(text.trim()) ? Number(text) * 1000 : undefined;
}
