/**
 * Finds the user, container and resource limits of the process from files of the operating system.
 *
 * A value is undefined or null where the system does not provide it. Nothing here throws.
 */

import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

/** Location of the system's files. Tests provide their own. */
export interface HostFiles {
  /** Default `/`. */
  readonly root: string;
}

export const HOST_FILES: HostFiles = { root: '/' };

/** The memory limit of a control group, and its usage. */
interface MemoryLimit {
  readonly limitBytes: number;
  /** Excludes page cache that can be freed immediately, like `kubectl top` and `docker stats`. */
  readonly usedBytes: number;
}

/** A type, not an interface, so that it is a JSON value. */
export type Container = {
  /** `docker`, `podman`, `containerd`, `cri-o`, `lxc` or the name that the container sets; null if only the orchestrator is known. */
  readonly runtime: string | null;
  readonly orchestrator: 'kubernetes' | null;
  /** 64 hex digits. */
  readonly id: string | null;
};

/** Returns the user name from variables or the system's users. Source: Python's `getpass.getuser`, which Polyaxon uses. */
export function findUser(environment: NodeJS.ProcessEnv): string {
  for (const name of ['LOGNAME', 'USER', 'LNAME', 'USERNAME']) {
    const user = environment[name];
    if (user !== undefined && user !== '') return user;
  }
  try {
    return userInfo().username;
  } catch {
    // In a container, the user may have no name.
    return 'unknown';
  }
}

/** Returns the text of a system file, given by its path below the root; undefined when it cannot be read. */
export function readHostFile(files: HostFiles, path: string): string | undefined {
  try {
    return readFileSync(join(files.root, path), 'utf8');
  } catch {
    // The system does not have the file, or does not allow reading it.
    return undefined;
  }
}

/** Returns the container of the process; null outside a container. */
export function findContainer(files: HostFiles, environment: NodeJS.ProcessEnv): Container | null {
  const groups = readHostFile(files, 'proc/self/cgroup') ?? '';
  const mounts = readHostFile(files, 'proc/self/mountinfo') ?? '';
  const isKubernetes =
    environment.KUBERNETES_SERVICE_HOST !== undefined ||
    existsSync(join(files.root, 'var/run/secrets/kubernetes.io')) ||
    groups.includes('kubepods');
  const id =
    /\/(?:docker|docker-|libpod-|cri-containerd-|crio-|kubepods\S*\/)\W?([0-9a-f]{64})/.exec(groups)?.[1] ??
    /\/(?:containers|overlay-containers|sandboxes)\/([0-9a-f]{64})\//.exec(mounts)?.[1] ??
    null;
  const runtime = findRuntime(files, environment, groups, mounts);
  if (runtime === null && !isKubernetes) return null;
  return { runtime, orchestrator: isKubernetes ? 'kubernetes' : null, id };
}

/**
 * Returns the lowest limit of the process's control group and its ancestors; undefined when none is below `totalBytes`.
 *
 * Source: Linux kernel, `admin-guide/cgroup-v2.rst` (memory.max, memory.current) and `cgroup-v1/memory.rst`.
 */
export function readMemoryLimit(files: HostFiles, totalBytes: number): MemoryLimit | undefined {
  const limits = listGroups(files, 'memory').flatMap(({ version, directory }) => {
    const read = (name: string) => readHostFile(files, join(directory, name));
    const [limit, usage, cacheField] =
      version === 2
        ? [read('memory.max'), read('memory.current'), 'inactive_file']
        : [read('memory.limit_in_bytes'), read('memory.usage_in_bytes'), 'total_inactive_file'];
    const limitBytes = Number.parseInt(limit ?? '', 10);
    const usageBytes = Number.parseInt(usage ?? '', 10);
    if (!(limitBytes > 0 && limitBytes < totalBytes) || Number.isNaN(usageBytes)) return [];
    const cache = new RegExp(`^${cacheField} (\\d+)$`, 'm').exec(read('memory.stat') ?? '')?.[1];
    return [{ limitBytes, usedBytes: Math.max(0, usageBytes - Number(cache ?? 0)) }];
  });
  return limits.sort((a, b) => a.limitBytes - b.limitBytes)[0];
}

/** Returns the number of processors that control groups allow, possibly a fraction; undefined without a limit. */
export function readCpuLimit(files: HostFiles): number | undefined {
  const limits = listGroups(files, 'cpu').flatMap(({ version, directory }) => {
    const read = (name: string) => readHostFile(files, join(directory, name)) ?? '';
    const [quota, period] =
      version === 2 ? read('cpu.max').split(' ') : [read('cpu.cfs_quota_us'), read('cpu.cfs_period_us')];
    const processors = Number.parseInt(quota ?? '', 10) / Number.parseInt(period ?? '', 10);
    return processors > 0 && Number.isFinite(processors) ? [processors] : [];
  });
  return limits.length === 0 ? undefined : limits.reduce((a, b) => Math.min(a, b));
}

interface ControlGroup {
  readonly version: 1 | 2;
  readonly directory: string;
}

/**
 * Lists the control group of the process and its ancestors. In a container, the path may be that of the host although only the
 * container's part is mounted, so some of the directories may not exist.
 */
function listGroups(files: HostFiles, controller: string): ControlGroup[] {
  const lines = (readHostFile(files, 'proc/self/cgroup') ?? '').split('\n');
  return lines.flatMap((line): ControlGroup[] => {
    const [, hierarchy, controllers = '', path = '/'] = /^(\d+):([^:]*):(.*)$/.exec(line) ?? [];
    if (hierarchy === '0' && controllers === '') {
      return ['sys/fs/cgroup', 'sys/fs/cgroup/unified'].flatMap((base) =>
        listAncestors(base, path).map((directory) => ({ version: 2, directory })),
      );
    }
    if (!controllers.split(',').includes(controller)) return [];
    return listAncestors(join('sys/fs/cgroup', controller), path).map((directory) => ({
      version: 1,
      directory,
    }));
  });
}

function listAncestors(base: string, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '' && part !== '..');
  return Array.from({ length: parts.length + 1 }, (_, count) => join(base, parts.slice(0, count).join('/')));
}

function findRuntime(
  files: HostFiles,
  environment: NodeJS.ProcessEnv,
  groups: string,
  mounts: string,
): string | null {
  if (existsSync(join(files.root, '.dockerenv'))) return 'docker';
  if (existsSync(join(files.root, 'run/.containerenv'))) return 'podman';
  // Source: systemd.io/CONTAINER_INTERFACE: container managers set this variable.
  if (environment.container !== undefined && environment.container !== '') return environment.container;
  const marks: readonly (readonly [RegExp, string])[] = [
    [/\/docker[/-]/, 'docker'],
    [/libpod/, 'podman'],
    [/cri-containerd|\/containerd/, 'containerd'],
    [/crio/, 'cri-o'],
    [/\/lxc[/.]/, 'lxc'],
  ];
  const inGroups = marks.find(([pattern]) => pattern.test(groups));
  if (inGroups !== undefined) return inGroups[1];
  const root = mounts.split('\n').find((line) => line.split(' ')[4] === '/') ?? '';
  return marks.find(([pattern]) => pattern.test(root))?.[1] ?? null;
}
