/** Machines and their processes. A process can be killed at any effect, and a machine can lose its power. */

import type { Clock } from '../../src/base/clock.js';
import { toHostId } from '../../src/base/host-id.js';
import type { Io } from '../../uploader/base/io/io.js';
import { Disk, diskError } from './disk.js';
import { toFileSystem } from './disk-file-system.js';
import { Random } from './random.js';
import type { Scheduler } from './scheduler.js';

/** What ends a process. */
export type Death = 'kill' | 'power';

let running: Process | null = null;

/**
 * The process that the current code belongs to. Everything that follows from an effect runs before the scheduler completes the next one, so
 * this is the process of the last effect; it costs a third less than an asynchronous context. Only writers may depend on it, because the
 * commands of uploaders overlap.
 */
export function currentProcess(): Process | null {
  return running;
}

/** Ends the simulation of processes: from now on, code belongs to the host. */
export function leaveProcesses(): void {
  running = null;
}

export class Machine {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly processes = new Set<Process>();
  #skewSeconds = 0;
  /** How many more seconds pass on its clocks in a second of the scheduler; set before anything runs. */
  drift = 0;
  bootId = 1;
  /** What else the failure of the power ends. */
  onPowerLoss: () => void = () => undefined;
  #nextPid = 1000;
  #maxAheadSeconds = 0;

  constructor(
    readonly name: string,
    readonly scheduler: Scheduler,
  ) {
    this.disk = new Disk(() => scheduler.wallMs + this.aheadSeconds * 1000);
    this.clock = scheduler.toClock({ aheadSeconds: () => this.aheadSeconds, rate: () => 1 + this.drift });
  }

  /** Does not change when the power fails. */
  get machineId(): string {
    return `id of ${this.name}`;
  }

  get space(): string {
    return `${this.name} boot-${this.bootId} pid:[1]`;
  }

  /** What the wall clock is ahead of the scheduler's. */
  get aheadSeconds(): number {
    return this.#skewSeconds + (this.drift * this.scheduler.nowMs) / 1000;
  }

  /** The most that the wall clock has been ahead. */
  get maxAheadSeconds(): number {
    return Math.max(this.#maxAheadSeconds, this.aheadSeconds);
  }

  /** Sets the wall clock forward, or back. */
  setClock(seconds: number): void {
    this.#maxAheadSeconds = this.maxAheadSeconds;
    this.#skewSeconds += seconds;
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
  /** Called before each effect with its number, from 0, and whether a part of it can be done. Returns what ends the process at this effect. */
  onEffect: (effect: number, hasParts: boolean) => Death | null = () => null;
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
      hostId: async () => toHostId(machine.machineId, machine.name),
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
    running = this;
    return work();
  }

  /** Begins an effect. `onDeath`: the part of it that is done when the process is killed meanwhile. */
  enter(call: string, path: string, onDeath: (() => void) | null): void {
    if (this.isDead) throw diskError('EKILLED', `${call} ${path}`);
    const death = this.onEffect(this.effects++, onDeath !== null);
    if (death === null && !this.isDead) return;
    if (!this.isDead) {
      onDeath?.();
      this.die();
    }
    if (death === 'power') this.machine.losePower(this.random);
    throw diskError('EKILLED', `${call} ${path}`);
  }

  /** Makes an effect at some later time. */
  call<Result>(
    call: string,
    path: string,
    effect: () => Result,
    onDeath: (() => void) | null = null,
  ): Promise<Result> {
    return this.machine.scheduler.call(() => {
      running = this;
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
