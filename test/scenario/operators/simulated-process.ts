/** A process of the uploader that can be killed at any call of the file system, which includes those of a `file://` store. */

import type { Clock } from '../../../src/base/clock.js';
import { type Io, nodeIo } from '../../../uploader/base/io/io.js';
import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import type { ProcessIdentity } from '../../../uploader/base/io/processes.js';
import { systemError } from '../../uploader/support/wrapped-file-system.js';
import type { SimulatedClock } from './simulated-clock.js';

export interface Machine {
  readonly name: string;
  readonly clock: Clock;
  /** Host, boot and pid namespace. */
  readonly space: string;
}

export interface ProcessOptions {
  readonly machine: Machine;
  readonly time: SimulatedClock;
  /** Called before each call of the file system with its number, counted from 0. When it returns true, the process is killed at this call. */
  readonly onCall: (call: number) => Promise<boolean>;
}

type Method = (...args: readonly unknown[]) => unknown;

let lastPid = 1_000_000;
const running = new Set<number>();

export class SimulatedProcess {
  readonly io: Io;
  readonly #options: ProcessOptions;
  readonly #killed = new AbortController();
  readonly #pid = ++lastPid;
  #calls = 0;

  constructor(options: ProcessOptions) {
    this.#options = options;
    running.add(this.#pid);
    const { machine } = options;
    const own: ProcessIdentity = { pid: this.#pid, startedAt: '', space: machine.space };
    this.io = {
      ...{ fileSystem: this.#wrap(nodeFileSystem), clock: machine.clock, randomness: nodeIo.randomness },
      hostId: async () => machine.name,
      processes: {
        current: async () => own,
        // Writers run in the process of the test.
        isRunning: async ({ pid }) => pid === process.pid || running.has(pid),
      },
    };
  }

  /** Aborted when the process is killed. */
  get killed(): AbortSignal {
    return this.#killed.signal;
  }

  end(): void {
    running.delete(this.#pid);
  }

  /** Wraps each call of a file system or a file. All calls of a killed process fail, and a write that it was killed in is half done. */
  #wrap<Target extends object>(target: Target): Target {
    return new Proxy(target, {
      get: (_, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => this.#call(target, String(name), method as Method, args);
      },
    });
  }

  async #call(target: object, name: string, method: Method, args: unknown[]): Promise<unknown> {
    if (name === 'close') return method.apply(target, args);
    if (this.killed.aborted) throw systemError('EKILLED');
    const isKilled = await this.#options.onCall(this.#calls++);
    return this.#options.time.during(async () => {
      if (isKilled) {
        const [bytes] = args;
        if (name === 'append' && bytes instanceof Uint8Array)
          await method.call(target, bytes.subarray(0, bytes.length >> 1));
        this.#killed.abort();
        throw systemError('EKILLED');
      }
      if (name === 'sync' || name === 'syncDirectory') return undefined; // matters only when the host loses its power
      const result: unknown = await method.apply(target, args);
      return name.startsWith('open') ? this.#wrap(result as object) : result;
    });
  }
}
