import { CodedError } from '../../../src/base/errors.js';

/** Thrown when the copies cannot be written to the chosen directory, or the path is not a directory. */
export class CompactTargetError extends CodedError {
  readonly code = 'ERR_COMPACT_TARGET';
  readonly hint = 'Pass a log directory, and with --output a new directory outside of it.';
  constructor(
    readonly path: string,
    detail: string,
  ) {
    super(`${path}: ${detail}`);
  }
}

/** A viewer would show the compacted file differently, so nothing was replaced. */
export class CompactDiffersError extends CodedError {
  readonly code = 'ERR_COMPACT_DIFFERS';
  readonly hint =
    'The files stay unchanged. `polytrack inspect --shown` says what each viewer shows of them.';
  constructor(
    readonly directory: string,
    readonly tag: string,
    readonly viewer: string,
  ) {
    super(
      `${directory}: no single file shows the same: tag ${JSON.stringify(tag)} would change in ${viewer}`,
    );
  }
}

/** The files of a run cannot be replaced without a loss. */
export class CompactRefusedError extends CodedError {
  readonly code = 'ERR_COMPACT_REFUSED';
  constructor(
    readonly directory: string,
    detail: string,
    readonly hint: string,
  ) {
    super(`${directory}: ${detail}`);
  }
}
