/** Machines and their processes. A process can be killed at any effect, and a machine can lose its power. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../src/base/clock.js';
import type { Io } from '../../uploader/base/io/io.js';
import { Disk, diskError } from './disk.js';
import { toFileSystem } from './disk-file-system.js';
import { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

/** What ends a process. */
export type Death = 'kill' | 'power';

/** The process that the current call belongs to. */
export const current = new AsyncLocalStorage<Process>();

export class Machine {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly processes = new Set<Process>();
  skewSeconds = 0;
  bootId = 1;
  /** What else the failure of the power ends. */
  onPowerLoss: () => void = () => undefined;
  #nextPid = 1000;

  constructor(
    readonly name: string,
    readonly scheduler: Scheduler,
  ) {
    this.disk = new Disk(() => scheduler.wallMs + this.skewSeconds * 1000);
    this.clock = scheduler.toClock(() => this.skewSeconds);
  }

  get space(): string {
    return `${this.name} boot-${this.bootId} pid:[1]`;
  }

  start(seed: string): Process {
    return new Process(this, ++this.#nextPid, new Random(seed));
  }

  losePower(random: Random): void {
    for (const process of [...this.processes]) process.die();
    this.disk.losePower(random);
    this.bootId += 1;
    this.onPowerLoss();
  }
}

export class Process {
  readonly io: Io;
  readonly #killed = new AbortController();
  /** Called before each effect with its number, from 0. Returns what ends the process at this effect. */
  onEffect: (effect: number, call: string, path: string) => Death | null = () => null;
  effects = 0;

  constructor(
    readonly machine: Machine,
    readonly pid: number,
    readonly random: Random,
  ) {
    machine.processes.add(this);
    const own = { pid, startedAt: String(pid), space: machine.space };
    this.io = {
      fileSystem: toFileSystem(this),
      clock: machine.clock,
      randomness: { fraction: () => random.next(), id: () => random.id() },
      hostId: async () => `host ${machine.name}`,
      processes: {
        current: async () => own,
        isRunning: async ({ pid: other }) => [...machine.processes].some((each) => each.pid === other),
      },
    };
  }

  get killed(): AbortSignal {
    return this.#killed.signal;
  }

  get isDead(): boolean {
    return this.#killed.signal.aborted;
  }

  get disk(): Disk {
    return this.machine.disk;
  }

  /** Runs code of the process. */
  run<Result>(work: () => Result): Result {
    return current.run(this, work);
  }

  /** Begins an effect. `onDeath`: the part of it that is done when the process is killed meanwhile. */
  enter(call: string, path: string, onDeath: () => void = () => undefined): void {
    if (this.isDead) throw diskError('EKILLED', path);
    const death = this.onEffect(this.effects++, call, path);
    if (death === null && !this.isDead) return;
    if (!this.isDead) {
      onDeath();
      this.die();
    }
    if (death === 'power') this.machine.losePower(this.random);
    throw diskError('EKILLED', path);
  }

  /** Makes an effect at some later time. */
  call<Result>(call: string, path: string, effect: () => Result, onDeath?: () => void): Promise<Result> {
    return this.machine.scheduler.call(() => {
      this.enter(call, path, onDeath);
      return effect();
    });
  }

  die(): void {
    this.end();
    this.#killed.abort();
  }

  end(): void {
    this.machine.processes.delete(this);
  }
}
