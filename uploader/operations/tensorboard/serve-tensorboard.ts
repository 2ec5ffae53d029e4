/** Serves a log directory with TensorBoard until it is stopped. */

import { setTimeout as sleep } from 'node:timers/promises';
import { TensorBoardFailedError } from '../../base/errors.js';
import type { EndedProgram, ProgramOptions } from '../../base/io/run-program.js';
import { runTensorBoard } from './run-tensorboard.js';

/** The most points of a curve. */
export const MAX_SHOWN_POINTS = 1_000_000;

/**
 * By default TensorBoard shows a random choice of 1,000 points of a curve, 500 histograms, and 10 images, clips and texts of a tag. Points are
 * small, so all that a browser can draw are kept. TensorBoard holds images and clips in memory as whole files: 100 of 1 MB for each tag.
 * 0 is no option: TensorBoard 2.21 keeps everything in memory then, and shows nothing (`_downsample` in `data_provider.py`).
 */
const SAMPLES = `scalars=${MAX_SHOWN_POINTS},histograms=10000,pr_curves=1000,text=1000,images=100,audio=100,mesh=100`;

/** TensorBoard prints it once it has the port. */
const ADDRESS = /^TensorBoard \S+ at (http\S+)\s/m;
const POLL_MS = 50;

interface ServeOptions extends ProgramOptions {
  readonly logDirectory: string;
  readonly host: string;
  /** The port of a data server on this host. Default: TensorBoard reads the directory itself. */
  readonly dataServerPort?: number | undefined;
  /** Default: 6006, or the next port that is free. */
  readonly port?: number | undefined;
  /** Further arguments. They override the others. */
  readonly args: readonly string[];
  /** Called once TensorBoard answers. */
  readonly onReady: (url: string) => void;
}

/** Resolves once TensorBoard has been stopped. Throws `TensorBoardMissingError` and `TensorBoardFailedError`. */
export async function serveTensorBoard(options: ServeOptions): Promise<void> {
  const { logDirectory, dataServerPort, host, port, args, signal, onReady, onOutput } = options;
  const ended = new AbortController();
  let printed = '';
  let awaiting: Promise<void> | undefined;
  const end = await runTensorBoard(
    [
      // With a data server, only the embedding projector reads the directory, and only a local one.
      ...(logDirectory.includes('://') ? [] : ['--logdir', logDirectory]),
      ...['--host', host, '--samples_per_plugin', SAMPLES],
      ...(dataServerPort === undefined ? [] : ['--grpc_data_provider', `localhost:${dataServerPort}`]),
      ...(port === undefined ? [] : ['--port', String(port)]),
      ...args,
    ],
    {
      ...options,
      onOutput: (text) => {
        onOutput?.(text);
        if (awaiting !== undefined) return;
        printed += text;
        const [, url] = ADDRESS.exec(printed) ?? [];
        if (url !== undefined) awaiting = awaitAnswer(url, AbortSignal.any([signal, ended.signal]), onReady);
      },
    },
  );
  ended.abort();
  await awaiting;
  if (!signal.aborted && !isStopped(end))
    throw new TensorBoardFailedError(end.code ?? end.signal, end.output);
}

/** Calls `onReady` with the first answer. */
async function awaitAnswer(url: string, signal: AbortSignal, onReady: (url: string) => void): Promise<void> {
  while (!signal.aborted) {
    try {
      const response = await fetch(url, { signal });
      await response.body?.cancel();
      if (response.ok) return onReady(url);
    } catch {
      // It does not answer yet, or has ended.
    }
    await sleep(POLL_MS);
  }
}

/** Ctrl-C reaches TensorBoard before the signal of this process may be handled. */
function isStopped({ code, signal }: EndedProgram): boolean {
  return code === 0 || signal === 'SIGINT' || signal === 'SIGTERM' || signal === 'SIGHUP';
}
