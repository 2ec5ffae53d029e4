/** Checks what is uploaded, who uploads it, and the store. */

import { formatBytes, formatCount } from '../../base/format.js';
import { formatAge } from '../../base/format-age.js';
import { type FoundStatus, findKnownStatus } from '../../engine/monitor/find-status.js';
import { resolveConfig, type SyncConfig } from '../../settings/sync-config.js';
import type { Flags } from '../../settings/table.js';
import { checkStore } from '../check/check-store.js';
import { toFacts } from '../check/check-text.js';
import type { DiskAccess } from '../runs/find-run.js';
import { type DoctorFinding, ok, problem, warning } from './finding.js';

/** Checks each store that the path was uploaded to, without contacting it. `store`: the configured one. */
export async function checkUploads(
  path: string,
  store: string | undefined,
  flags: Flags,
  { io, environment, signal }: DiskAccess,
): Promise<DoctorFinding[]> {
  // The store of this configuration is not used.
  const { config } = await resolveConfig(
    path,
    { ...flags, defaultStore: 'file:///' },
    environment,
    io.fileSystem,
  );
  const found = await findKnownStatus(config, io, signal);
  if (found.length > 0) return found.flatMap((status) => toUploadFindings(status, path));
  const text = `${path} was not uploaded from here`;
  if (store === undefined) return [ok('upload', `${text}, and no store is set`)];
  return [warning('upload', text, `Run: polytrack sync ${path} --store ${store}`)];
}

function toUploadFindings(status: FoundStatus, path: string): DoctorFinding[] {
  const { store, state, pid, reason, storeOutageMs, isRunning, ageMs, runs, total, problems = [] } = status;
  const pending = runs.filter(({ pendingFiles }) => pendingFiles > 0).length;
  const rest =
    pending === 0
      ? `${formatCount(runs.length, 'run')} stored`
      : `${formatCount(total.pendingFiles, 'file')} (${formatBytes(total.pendingBytes)}) of ${formatCount(pending, 'run')} not stored`;
  const who = isRunning
    ? `${state} (process ${pid}, updated ${formatAge(ageMs)} ago)`
    : 'no uploader is running';
  const text = `${store}: ${who}; ${rest}`;
  const sync = `Run: polytrack sync ${path} --store ${store}`;
  const findings: DoctorFinding[] = [];
  const error = runs.find(({ lastError }) => lastError !== null)?.lastError ?? problems[0];
  if (error !== undefined && error !== null)
    findings.push(
      problem(
        'upload',
        `${store}: ${error.code}: ${error.message}`,
        `Correct it, then ${isRunning ? 'wait' : `run: polytrack sync ${path} --store ${store}`}.`,
      ),
    );
  if (storeOutageMs !== null || reason !== null) {
    const outage =
      storeOutageMs === null ? reason : `the store has not answered for ${formatAge(storeOutageMs)}`;
    findings.push(warning('upload', `${text}; ${outage}`, 'Check the store: polytrack check <url>'));
  } else if (pending > 0 && !isRunning) findings.push(warning('upload', text, sync));
  else findings.push(ok('upload', text));
  if (total.lostBytes > 0)
    findings.push(
      problem(
        'upload',
        `${formatBytes(total.lostBytes)} were deleted before they were stored in ${store}`,
        'Restore the files, or accept the loss; stop the program that deletes them.',
      ),
    );
  return findings;
}

/** Notices about what a store cannot do, which users cannot change. */
const LIMITS: readonly string[] = ['NOTICE_NO_APPEND', 'NOTICE_NO_CONDITIONAL_WRITES'];

/** Checks credentials and permissions, like `polytrack check`. */
export async function checkConfiguredStore(
  { store, s3, polyaxon, stateDirectory }: SyncConfig,
  { io, signal }: DiskAccess,
): Promise<DoctorFinding[]> {
  const options = { io, s3, polyaxon: polyaxon?.(), stateDirectory, signal };
  const check = await checkStore(store, options);
  const { error, notices, isUsable } = check;
  const facts = toFacts(check)
    .filter(([name]) => name !== 'store')
    .map(([name, value]) => `${name}: ${value}`);
  const text = [check.store, ...facts].join('; ');
  const advice = notices.filter(({ code }) => !LIMITS.includes(code));
  return [
    ...(isUsable ? [ok('store', text)] : []),
    ...(error === null ? [] : [problem('store', `${text}; ${error.code}: ${error.message}`, error.hint)]),
    ...advice.map(({ code, message }) =>
      isUsable
        ? warning('store', `${code}: ${message}`, `Details: polytrack check ${store}`)
        : problem('store', `${code}: ${message}`, `Details: polytrack check ${store}`),
    ),
  ];
}
