/**
 * The `tracking` module: one run for the whole process, for programs that do not want to pass a `Run` around.
 *
 * Functions mirror the methods of `Run`. The first call starts a run with default options unless `init` came before.
 */

import type { HistogramOptions } from './event-log.js';
import { type ArtifactOptions, type EndOptions, Run } from './run/run.js';
import type { RunOptions } from './run/run-options.js';
import type { EventOptions } from './summary/arguments.js';
import type { AudioInput } from './summary/audio.js';
import type { HistogramInput } from './summary/histogram.js';
import type { ImageInput } from './summary/image.js';
import type { TextInput } from './summary/text.js';

let current: Run | undefined;

/** Starts the process's run. A run that was started before stays open until its own `end()`. */
export function init(options: RunOptions = {}): Run {
  current = new Run(options);
  return current;
}

/** The process's run; started with default options if there is none. */
export function getOrCreateRun(): Run {
  current ??= new Run();
  return current;
}

export function logMetric(name: string, value: number, options?: EventOptions): void {
  getOrCreateRun().logMetric(name, value, options);
}

export function logMetrics(metrics: Readonly<Record<string, number>>, options?: EventOptions): void {
  getOrCreateRun().logMetrics(metrics, options);
}

export function logImage(
  name: string,
  image: ImageInput | readonly ImageInput[],
  options?: EventOptions,
): void {
  getOrCreateRun().logImage(name, image, options);
}

export function logAudio(
  name: string,
  audio: AudioInput | readonly AudioInput[],
  options?: EventOptions,
): void {
  getOrCreateRun().logAudio(name, audio, options);
}

export function logHistogram(name: string, values: HistogramInput, options?: HistogramOptions): void {
  getOrCreateRun().logHistogram(name, values, options);
}

export function logText(name: string, text: TextInput, options?: EventOptions): void {
  getOrCreateRun().logText(name, text, options);
}

export function logInputs(inputs: Readonly<Record<string, unknown>>): void {
  getOrCreateRun().logInputs(inputs);
}

export function logOutputs(outputs: Readonly<Record<string, unknown>>): void {
  getOrCreateRun().logOutputs(outputs);
}

export function logTags(tags: string | readonly string[]): void {
  getOrCreateRun().logTags(tags);
}

export function logArtifact(path: string, options?: ArtifactOptions): Promise<string> {
  return getOrCreateRun().logArtifact(path, options);
}

export function getOutputsPath(relPath?: string): string {
  return getOrCreateRun().getOutputsPath(relPath);
}

export function getTensorboardPath(): string {
  return getOrCreateRun().getTensorboardPath();
}

export function flush(): Promise<void> {
  return getOrCreateRun().flush();
}

/** Ends the process's run; the next call of another function starts a new one. */
export async function end(options?: EndOptions): Promise<void> {
  const run = current;
  current = undefined;
  await run?.end(options);
}
