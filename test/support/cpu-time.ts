/** Measures the processor time of `work` in milliseconds. Unlike wall time, it does not depend on other processes. */
export function measureCpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
