/** Creates the sender of alerts from the configuration. */

import { AlertPositions } from '../alerts/alert-positions.js';
import { type AlertedRun, AlertSender, MAX_ALERT_AGE_MS } from '../alerts/alert-sender.js';
import { proxiesFrom } from '../base/http/find-proxy.js';
import { createUndiciTransport } from '../base/http/undici-transport.js';
import { RetryPolicy } from '../base/limits/retry-policy.js';
import type { UploaderContext } from './context/uploader-context.js';

/** Returns null without a webhook, and in a dry run. */
export function createAlertSender(context: UploaderContext): AlertSender | null {
  const { config, io, paths, inventory, isWatching } = context;
  if (config.alertWebhook === undefined || config.isDryRun) return null;
  function* listRuns(): Generator<AlertedRun> {
    for (const run of inventory.runs) {
      if (run.directory === null || context.isBarred(run) || !context.ownership.ownsRun(run)) continue;
      yield { uuid: run.uuid, directory: run.directory, isAtRest: context.isAtRest(run) };
    }
  }
  return new AlertSender({
    ...{ clock: io.clock, fileSystem: io.fileSystem, listRuns },
    url: config.alertWebhook.reveal(),
    transport: createUndiciTransport({
      tls: { isVerified: true, isHostnameVerified: true },
      proxies: proxiesFrom(process.env),
    }),
    // Its own circuit breaker: a webhook that does not answer must not hold up the store.
    retryPolicy: new RetryPolicy({
      ...io,
      retryTimeoutMs: isWatching ? Number.POSITIVE_INFINITY : config.retryTimeoutMs,
      onRetry: (notice) => context.emit({ kind: 'retry', ...notice }),
    }),
    positions: new AlertPositions(io.fileSystem, paths.directory, MAX_ALERT_AGE_MS),
    onProblem: (message) => context.onNotice({ code: 'NOTICE_ALERT_UNDELIVERED', message }),
  });
}
