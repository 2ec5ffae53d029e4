/** What happens during a pass, as it happens: for a progress bar, a log, a dashboard. Never needed for correctness. */

import type { CodedError } from '../src/errors.js';
import type { PlannedAction, UploadReason, VerifyReason } from './plan.js';

export type SyncEvent =
  | { readonly kind: 'scanned'; readonly runs: number; readonly files: number; readonly sizeBytes: number }
  | {
      readonly kind: 'planned';
      readonly uploads: number;
      /** At most this many will be sent; verified files that turn out to differ come on top. */
      readonly uploadBytes: number;
      readonly verifications: number;
      readonly unchanged: number;
    }
  /** A file is begun. */
  | {
      readonly kind: 'started';
      readonly key: string;
      readonly sizeBytes: number;
      readonly reason: UploadReason | VerifyReason;
    }
  /** Bytes were handed to the store, those of attempts that fail included. */
  | { readonly kind: 'sent'; readonly key: string; readonly sizeBytes: number }
  | {
      readonly kind: 'stored';
      readonly key: string;
      readonly sizeBytes: number;
      readonly reason: UploadReason;
    }
  | { readonly kind: 'verified'; readonly key: string; readonly sizeBytes: number }
  /** The file changed while it was read; it is tried again later. */
  | { readonly kind: 'requeued'; readonly key: string; readonly attempt: number }
  | { readonly kind: 'unsent'; readonly key: string; readonly error: CodedError }
  | {
      readonly kind: 'retry';
      readonly operation: string;
      readonly attempt: number;
      readonly delayMs: number;
      readonly cause: unknown;
    }
  | { readonly kind: 'notice'; readonly code: string; readonly message: string };

export type OnSyncEvent = (event: SyncEvent) => void;

/** The totals of a plan. */
export function toPlannedEvent(actions: readonly PlannedAction[]): SyncEvent {
  const uploads = actions.filter(({ action }) => action === 'upload');
  return {
    kind: 'planned',
    uploads: uploads.length,
    uploadBytes: uploads.reduce((sum, { file }) => sum + file.sizeBytes, 0),
    verifications: actions.filter(({ action }) => action === 'verify').length,
    unchanged: actions.filter(({ action }) => action === 'skip').length,
  };
}
