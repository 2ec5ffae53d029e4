export const DIST: string;
export const CLI: string;

export class UploaderProcess {
  constructor(args: readonly string[], options: { env: NodeJS.ProcessEnv; home: string });
  readonly pid: number;
  /** Resolves with the exit code, or the name of the signal. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Everything printed on stdout and stderr. */
  readonly output: string;
  readonly isRunning: boolean;
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
  memory(): { residentBytes: number; peakBytes: number };
  cpuMs(): number;
}

export interface WatchOptions {
  readonly root: string;
  readonly store: string;
  readonly stateDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly home: string;
  readonly intervalSeconds?: number;
  readonly args?: readonly string[];
}

export function startWatch(options: WatchOptions): UploaderProcess;
