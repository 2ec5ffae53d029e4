// Runs a program and measures its elapsed time, processor time and memory.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readCpuMs, readMemory } from './process-stat.mjs';

const POLL_MS = 20;

/** Returns the elapsed time and processor time in nanoseconds, and the peak resident memory in MiB. Rejects when the program fails. */
export async function measureProcess(command, args, options = {}) {
  const cpuBefore = readCpuMs(process.pid).ended;
  const start = process.hrtime.bigint();
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-100_000);
    });
  let peakBytes = 0;
  const poll = setInterval(() => {
    try {
      peakBytes = readMemory(child.pid).peakBytes || peakBytes;
    } catch {
      // the process has ended
    }
  }, POLL_MS);
  try {
    const [code, signal] = await once(child, 'exit');
    const nanoseconds = Number(process.hrtime.bigint() - start);
    if (code !== 0) throw new Error(`${command} ended with ${code ?? signal}: ${output.slice(-2000)}`);
    // Counts only children that have ended, so not the server, which is still running.
    const cpu = (readCpuMs(process.pid).ended - cpuBefore) * 1e6;
    return { nanoseconds, cpu, peak: peakBytes / 2 ** 20, output };
  } finally {
    clearInterval(poll);
  }
}
