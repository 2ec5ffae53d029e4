/** Assigns the bytes of a file to a lane. */

import type { Lane } from '../../base/limits/lanes.js';
import type { FileClass } from '../inventory/file-class.js';
import { SINGLE_PUT_MAX_BYTES } from './upload-strategy.js';

export function toLane(fileClass: FileClass, pendingBytes: number): Lane {
  if (fileClass === 'event' || fileClass === 'append') return 'events';
  if (fileClass === 'log') return 'logs';
  return pendingBytes <= SINGLE_PUT_MAX_BYTES ? 'small' : 'large';
}
