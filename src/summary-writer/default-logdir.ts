/** The default directory of a writer. */

import { hostname } from 'node:os';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `runs/Nov24_13-05-09_<host><comment>`, in local time. `wallTime` in seconds. */
export function defaultLogdir(wallTime: number, comment = ''): string {
  const time = new Date(wallTime * 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${MONTHS[time.getMonth()]}${two(time.getDate())}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join('-');
  return `runs/${day}_${clock}_${toSafeName(hostname())}${toSafeName(comment)}`;
}

function toSafeName(text: string): string {
  return text.replace(/[^\p{L}\p{N}._=+-]+/gu, '-').replace(/tfevents/g, 'events');
}
