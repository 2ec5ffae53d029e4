/**
 * Reads memory and utilization of NVIDIA GPUs from `nvidia-smi`, the tool of their driver.
 */

import type { SpawnOptions } from 'node:child_process';
import { startProgram } from '../base/child-process.js';

const QUERY = ['--query-gpu=index,memory.free,memory.used,utilization.gpu', '--format=csv,noheader,nounits'];
const MEBIBYTE = 1024 * 1024;
const TIMEOUT_MS = 5000;
const MAX_OUTPUT_LENGTH = 64 * 1024;
/** After this many consecutive failures, the driver is not queried again. */
const MAX_FAILURES = 3;

export interface GpuQuery {
  /**
   * Returns `gpu_<i>_memory_free` and `gpu_<i>_memory_used` in bytes, and `gpu_<i>_utilization` in percent. Omits values that a GPU does
   * not report. Empty without GPUs; never rejects.
   */
  read(options: { readonly keepsAlive: boolean }): Promise<Record<string, number>>;
}

/** Creates a query that runs the `nvidia-smi` on the PATH. If it is missing, the query does not search for it again. */
export function createGpuQuery(environment: NodeJS.ProcessEnv): GpuQuery {
  let failures = 0;
  return {
    read: async ({ keepsAlive }) => {
      if (failures >= MAX_FAILURES) return {};
      const output = await runNvidiaSmi(environment, keepsAlive);
      if (output === 'missing') failures = MAX_FAILURES;
      else if (output === 'failed') failures++;
      else failures = 0;
      return typeof output === 'string' ? {} : parseGpus(output.text);
    },
  };
}

function runNvidiaSmi(
  environment: NodeJS.ProcessEnv,
  keepsAlive: boolean,
): Promise<{ readonly text: string } | 'missing' | 'failed'> {
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const onFailure = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer);
      resolve(error.code === 'ENOENT' ? 'missing' : 'failed');
    };
    const options: SpawnOptions = {
      env: environment,
      stdio: ['ignore', 'pipe', 'ignore'],
      windowsHide: true,
    };
    const child = startProgram('nvidia-smi', QUERY, options, onFailure);
    if (child === undefined) return;
    // A driver may need seconds to wake up. A program that ends does not wait for it.
    timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS).unref();
    if (!keepsAlive) {
      child.unref();
      (child.stdout as { unref?: () => void } | null)?.unref?.();
    }
    let text = '';
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      if (text.length < MAX_OUTPUT_LENGTH) text += chunk;
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve(code === 0 ? { text } : 'failed');
    });
  });
}

/** Parses lines `0, 23028, 1024, 37` with memory in MiB. Unknown values are `[N/A]` or similar. Source: nvidia-smi --help-query-gpu. */
function parseGpus(text: string): Record<string, number> {
  const values: [string, number][] = text.split('\n').flatMap((line) => {
    const fields = line.split(',').map((field) => field.trim());
    const index = fields[0];
    if (index === undefined || !/^\d+$/.test(index)) return [];
    const [free, used, utilization] = fields
      .slice(1)
      .map((field) => (field === '' ? Number.NaN : Number(field)));
    const all: [string, number | undefined][] = [
      [`gpu_${index}_memory_free`, free === undefined ? free : free * MEBIBYTE],
      [`gpu_${index}_memory_used`, used === undefined ? used : used * MEBIBYTE],
      [`gpu_${index}_utilization`, utilization],
    ];
    return all.filter((entry): entry is [string, number] => Number.isFinite(entry[1]));
  });
  return Object.fromEntries(values);
}
