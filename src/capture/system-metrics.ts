/**
 * Samples the resource usage of the machine and the process.
 */

import { statfs } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { inBackground } from '../base/background.js';
import type { Clock } from '../base/clock.js';
import { HOST_FILES, type HostFiles } from './host.js';
import {
  type ProcessorTimes,
  readDiskTraffic,
  readMemoryPercent,
  readNetworkTraffic,
  readProcessorTimes,
} from './host-counters.js';
import { createGpuQuery, type GpuQuery } from './nvidia-smi.js';

export interface SystemSamplerOptions {
  readonly clock: Clock;
  /** Directory whose file system usage is sampled. Default: the working directory. */
  readonly directory?: string | undefined;
  /** Contains the PATH of `nvidia-smi`. Default: the environment of the process. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
  readonly hostFiles?: HostFiles | undefined;
}

export interface SystemSampler {
  /**
   * Returns current values. Rates cover the time since the previous sample. The first sample has no rates, and `cpu` is 0. Never rejects.
   *
   * Machine, with the names of the Python client: `load` (1 minute; not on Windows), `cpu` and `memory` (percent; see
   * `readMemoryPercent` for control groups), `gpu_<i>_memory_free`, `gpu_<i>_memory_used` (bytes), `gpu_<i>_utilization` (percent).
   * Additional names: `disk_usage` (percent of the run's file system, like `df`), `disk_read_bytes_per_second`,
   * `disk_write_bytes_per_second`, `network_rx_bytes_per_second`, `network_tx_bytes_per_second` (Linux only).
   *
   * Process: `process_cpu` (percent of one processor, more than 100 with several threads), `process_rss_bytes`,
   * `process_heap_used_bytes`, `event_loop_delay_ms_p50` and `…_p99` (delay of timers since the previous sample).
   *
   * Source of the Python names: traceml 1.3.0, `processors/psutil_processor.py` and `gpu_processor.py`.
   */
  sample(): Promise<Record<string, number>>;
  /**
   * Passes a sample to `onSample` immediately and then at each interval, without keeping the process alive. Skips an interval while the
   * previous sample is not ready. Ignores errors that `onSample` throws.
   */
  start(
    intervalMs: number,
    onSample: (sample: Record<string, number>, wallTimeSeconds: number) => void,
  ): void;
  /** Stops sampling and stops monitoring the event loop. */
  close(): void;
}

/** Interval at which the event loop is checked. A measured time is this interval plus the delay. */
const RESOLUTION_MS = 20;
/** After this time, a slow file system is waited for in the background, so that it does not delay the sample. */
const STATFS_TIMEOUT_MS = 1000;
const NANOSECONDS_PER_MS = 1_000_000;

export function createSystemSampler(options: SystemSamplerOptions): SystemSampler {
  return new HostSampler(options);
}

class HostSampler implements SystemSampler {
  readonly #clock: Clock;
  readonly #directory: string;
  readonly #hostFiles: HostFiles;
  readonly #gpus: GpuQuery;
  readonly #eventLoop: IntervalHistogram;
  readonly #rates: Rates;
  #processorTimes: ProcessorTimes;
  #isUsagePending = false;
  #isSampling = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SystemSamplerOptions) {
    this.#clock = options.clock;
    this.#directory = options.directory ?? '.';
    this.#hostFiles = options.hostFiles ?? HOST_FILES;
    this.#gpus = createGpuQuery(options.environment ?? process.env);
    this.#rates = new Rates(options.clock);
    this.#processorTimes = readProcessorTimes(this.#hostFiles);
    this.#eventLoop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#eventLoop.enable();
  }

  sample(): Promise<Record<string, number>> {
    return this.#sample(true);
  }

  start(
    intervalMs: number,
    onSample: (sample: Record<string, number>, wallTimeSeconds: number) => void,
  ): void {
    if (this.#isClosed) return;
    const tick = async (): Promise<void> => {
      if (this.#isSampling) return;
      this.#isSampling = true;
      try {
        const wallTime = this.#clock.wallTime();
        const sample = await this.#sample(false);
        if (!this.#isClosed) onSample(sample, wallTime);
      } catch {
        // Drop this sample: an error here must not affect the program.
      } finally {
        this.#isSampling = false;
      }
    };
    clearInterval(this.#timer);
    this.#timer = setInterval(() => inBackground(tick()), intervalMs).unref();
    inBackground(tick());
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#eventLoop.disable();
  }

  async #sample(keepsAlive: boolean): Promise<Record<string, number>> {
    const now = { ...this.#sampleMachine(), ...this.#sampleProcess() };
    const [diskUsage, gpus] = await Promise.all([this.#readDiskUsage(), this.#gpus.read({ keepsAlive })]);
    return withoutUnknown({ ...now, disk_usage: diskUsage, ...gpus });
  }

  #sampleMachine(): Sample {
    const disk = readDiskTraffic(this.#hostFiles);
    const network = readNetworkTraffic(this.#hostFiles);
    return {
      load: process.platform === 'win32' ? undefined : loadavg()[0],
      cpu: this.#measureProcessors(),
      memory: roundPercent(readMemoryPercent(this.#hostFiles)),
      disk_read_bytes_per_second: this.#rates.measure('disk read', disk?.in),
      disk_write_bytes_per_second: this.#rates.measure('disk write', disk?.out),
      network_rx_bytes_per_second: this.#rates.measure('network in', network?.in),
      network_tx_bytes_per_second: this.#rates.measure('network out', network?.out),
    };
  }

  #sampleProcess(): Sample {
    const memory = readOwnMemory();
    const { user, system } = process.cpuUsage();
    const cpuSecondsPerSecond = this.#rates.measure('process', (user + system) / 1e6);
    return {
      process_cpu: cpuSecondsPerSecond === undefined ? undefined : roundPercent(100 * cpuSecondsPerSecond),
      process_rss_bytes: memory?.rss,
      process_heap_used_bytes: memory?.heapUsed,
      ...this.#measureEventLoop(),
    };
  }

  #measureProcessors(): number {
    const before = this.#processorTimes;
    const now = readProcessorTimes(this.#hostFiles);
    this.#processorTimes = now;
    const total = now.total - before.total;
    // Kernel counters may decrease slightly.
    return total <= 0 ? 0 : roundPercent(Math.max(0, (100 * (now.busy - before.busy)) / total));
  }

  /** Returns delays. The histogram contains the times between two checks of the loop, from which the interval is subtracted. */
  #measureEventLoop(): Sample {
    const histogram = this.#eventLoop;
    const toDelayMs = (nanoseconds: number) => Math.max(0, nanoseconds / NANOSECONDS_PER_MS - RESOLUTION_MS);
    // After a reset, the percentiles are meaningless until the first value.
    const isEmpty = histogram.count === 0;
    const delays = {
      event_loop_delay_ms_p50: isEmpty ? undefined : toDelayMs(histogram.percentile(50)),
      event_loop_delay_ms_p99: isEmpty ? undefined : toDelayMs(histogram.percentile(99)),
    };
    histogram.reset();
    return delays;
  }

  async #readDiskUsage(): Promise<number | undefined> {
    if (this.#isUsagePending) return undefined;
    this.#isUsagePending = true;
    const usage = readUsagePercent(this.#directory).finally(() => {
      this.#isUsagePending = false;
    });
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), STATFS_TIMEOUT_MS).unref();
    });
    try {
      return await Promise.race([usage, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}

type Sample = Record<string, number | undefined>;

class Rates {
  readonly #clock: Clock;
  readonly #before = new Map<string, { readonly counter: number; readonly ms: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns the growth of a counter per second since the previous call. Undefined at the first call and after the counter was reset. */
  measure(name: string, counter: number | undefined): number | undefined {
    if (counter === undefined) return undefined;
    const before = this.#before.get(name);
    const ms = this.#clock.monotonicMs();
    this.#before.set(name, { counter, ms });
    if (before === undefined || counter < before.counter || ms <= before.ms) return undefined;
    return (1000 * (counter - before.counter)) / (ms - before.ms);
  }
}

/** Returns the usage with the rules of `df`: space that is reserved for the superuser is not part of the total. */
async function readUsagePercent(directory: string): Promise<number | undefined> {
  try {
    const { blocks, bfree, bavail } = await statfs(directory);
    const used = blocks - bfree;
    return used + bavail > 0 ? roundPercent((100 * used) / (used + bavail)) : undefined;
  } catch {
    // The directory was removed, or its file system does not report usage.
    return undefined;
  }
}

function readOwnMemory(): NodeJS.MemoryUsage | undefined {
  try {
    return process.memoryUsage();
  } catch {
    // The system does not provide process information.
    return undefined;
  }
}

/** Rounds to one decimal, like psutil. */
function roundPercent(percent: number): number {
  return Math.round(percent * 10) / 10;
}

function withoutUnknown(sample: Sample): Record<string, number> {
  return Object.fromEntries(
    Object.entries(sample).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );
}
