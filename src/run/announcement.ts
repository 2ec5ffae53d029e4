/**
 * The lines that a run prints for people: two at its start, two at its end.
 *
 * Only the main process of a run prints them, to stderr, if that is a terminal or the program asks for it. They bypass the `write` method of
 * the stream, so that no run captures them, and a terminal that is gone cannot emit an error into the program.
 */

import { existsSync, writeSync } from 'node:fs';
import { isAbsolute, relative, sep } from 'node:path';
import { isatty } from 'node:tty';
import { joinLines } from '../base/printable-text.js';
import type { RunRecord } from '../polyaxon/run-record.js';
import type { RunContext } from './run-context.js';

const STDERR = 2;
/** A line with more metrics is not read. */
const MAX_METRICS = 5;

/** Whether a run prints lines: as its option says, else on a terminal. */
export function isAnnounced(option: boolean | undefined): boolean {
  return option ?? isatty(STDERR);
}

/** What the end of a run says about its upload. */
export interface Destination {
  /** Undefined: the one that the uploader is configured with. */
  readonly store: string | undefined;
  /** `none`: the program does not upload the run. */
  readonly upload: 'none' | 'complete' | 'unfinished';
}

export class Announcement {
  readonly #context: RunContext;
  readonly #isShown: boolean;
  #hasEnded = false;

  constructor(context: RunContext, isShown: boolean) {
    this.#context = context;
    this.#isShown = isShown;
  }

  start(): void {
    const { directory, environment } = this.#context;
    const { links, root, tensorboard } = environment.paths;
    // Without permission to create links, the root shows the run by its uuid.
    const named = existsSync(links) ? links : root;
    const logs = environment.hasLink ? named : tensorboard;
    this.#print([
      `run ${directory.record.name} (${environment.uuid.slice(0, 8)}) writes to ${toShortPath(environment.paths.run)}`,
      `to view it, use: tensorboard --logdir ${toArgument(toShortPath(logs))}`,
    ]);
  }

  /** Prints the lines of the end, once. */
  end(status: RunRecord['status'], destination: Destination): void {
    if (this.#hasEnded || !this.#isShown) return;
    this.#hasEnded = true;
    const { name } = this.#context.directory.record;
    const duration = toDurationText(this.#context.measureElapsedSeconds());
    this.#print([
      [`run ${name}: ${status} after ${duration}`, ...this.#describeMetrics()].join('; '),
      ...this.#describeUpload(destination),
    ]);
  }

  #describeMetrics(): string[] {
    const metrics = [...this.#context.events.writer.scalarRanges()];
    if (metrics.length === 0) return this.#describeOutputs();
    const texts = metrics.slice(0, MAX_METRICS).map(({ tag, last, lowest, highest }) => {
      const isConstant = !(lowest < highest);
      const range = isConstant ? '' : ` (lowest ${toNumber(lowest)}, highest ${toNumber(highest)})`;
      return `${tag} ${toNumber(last)}${range}`;
    });
    return withRest(texts, metrics.length);
  }

  /** Of a run whose metrics another process has logged. */
  #describeOutputs(): string[] {
    const outputs = Object.entries(this.#context.directory.record.outputs ?? {});
    const numbers = outputs.filter((entry): entry is [string, number] => typeof entry[1] === 'number');
    const texts = numbers.slice(0, MAX_METRICS).map(([name, value]) => `${name} ${toNumber(value)}`);
    return withRest(texts, numbers.length);
  }

  #describeUpload({ store, upload }: Destination): string[] {
    const { mode, paths } = this.#context.environment;
    if (mode === 'managed') return [];
    const path = toArgument(toShortPath(paths.run));
    const place = store === undefined ? '' : ` --store ${toArgument(store)}`;
    if (upload === 'complete') return [`it is stored${store === undefined ? '' : ` in ${store}`}`];
    if (upload === 'unfinished') return [`to finish its upload, use: npx polytrack sync ${path}${place}`];
    return [`to upload it, use: npx polytrack sync ${path}${place || ' --store <url>'}`];
  }

  #print(lines: readonly string[]): void {
    if (!this.#isShown) return;
    const { masker } = this.#context;
    try {
      writeSync(STDERR, joinLines(lines.map((line) => `polytrack: ${masker.maskText(line)}`)));
    } catch {
      // The terminal is gone, or does not accept output now. The program must not notice.
    }
  }
}

function withRest(texts: readonly string[], count: number): string[] {
  const more = count - texts.length;
  return more > 0 ? [...texts, `and ${more} more`] : [...texts];
}

/** Relative if it is inside the working directory. */
function toShortPath(path: string): string {
  try {
    const inside = relative(process.cwd(), path);
    return inside !== '' && inside !== '..' && !inside.startsWith(`..${sep}`) && !isAbsolute(inside)
      ? inside
      : path;
  } catch {
    return path; // The working directory was deleted.
  }
}

/** Quotes an argument for a POSIX shell, unless it needs no quotes. */
function toArgument(text: string): string {
  return /^[\p{L}\p{N}_./:@%+=,\\-]+$/u.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function toNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** `3 s`, `12 min 5 s`, `3 h 10 min`, `2 d 4 h`: two units. */
function toDurationText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const units: readonly [string, number, number][] = [
    ['d', 86_400, 24],
    ['h', 3_600, 60],
    ['min', 60, 60],
  ];
  const found = units.find(([, size]) => whole >= size);
  if (found === undefined) return `${whole} s`;
  const [name, size, parts] = found;
  const next = { d: 'h', h: 'min', min: 's' }[name];
  return `${Math.floor(whole / size)} ${name} ${Math.floor((whole % size) / (size / parts))} ${next}`;
}
