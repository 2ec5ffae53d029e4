/** The processor time that something takes, in milliseconds: other processes do not count, as they do in wall time. */
export function measureCpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
