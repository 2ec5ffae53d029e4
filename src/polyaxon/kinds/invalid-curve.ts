import { InvalidArgumentError } from '../../base/errors.js';

/** Creates the error for an invalid curve. */
export function invalidCurve(message: string): InvalidArgumentError {
  return new InvalidArgumentError(
    'ERR_CURVE_INVALID',
    message,
    'Pass the points of the curve as two arrays of equal length, or { labels, scores }.',
  );
}
