import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findContainer, findUser, readCpuLimit, readMemoryLimit } from '../../src/capture/host.js';
import { createTempDir } from '../support/temp-dir.js';
import { createHost } from './host-files.js';

const GIB = 1024 ** 3;
const ID = '0123456789abcdef'.repeat(4);

describe('findUser', () => {
  it('is the user from variables, else the system user', () => {
    expect(findUser({ LOGNAME: '', USER: 'alice', USERNAME: 'bob' })).toBe('alice');
    expect(findUser({})).toBe(userInfo().username);
  });
});

describe('findContainer', () => {
  it('is null outside containers', () => {
    expect(
      findContainer(createHost({ 'proc/self/cgroup': '0::/user.slice/session-1.scope\n' }), {}),
    ).toBeNull();
    expect(findContainer({ root: join(createTempDir(), 'missing') }, {})).toBeNull();
  });

  it.each<[string, Record<string, string>, NodeJS.ProcessEnv, object]>([
    [
      'Docker with control groups v1',
      { '.dockerenv': '', 'proc/self/cgroup': `5:memory:/docker/${ID}\n` },
      {},
      { runtime: 'docker', orchestrator: null, id: ID },
    ],
    [
      'Docker with control groups v2',
      {
        '.dockerenv': '',
        'proc/self/cgroup': '0::/\n',
        'proc/self/mountinfo': `1 2 0:1 /var/lib/docker/containers/${ID}/hostname /etc/hostname rw - ext4 /dev/sda rw\n`,
      },
      {},
      { runtime: 'docker', orchestrator: null, id: ID },
    ],
    [
      'Podman',
      { 'run/.containerenv': '', 'proc/self/cgroup': `0::/machine.slice/libpod-${ID}.scope\n` },
      {},
      { runtime: 'podman', orchestrator: null, id: ID },
    ],
    [
      'Kubernetes with containerd',
      {
        'proc/self/cgroup': `0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-${ID}.scope\n`,
      },
      { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
      { runtime: 'containerd', orchestrator: 'kubernetes', id: ID },
    ],
    [
      'Kubernetes without a known runtime',
      { 'proc/self/cgroup': '0::/\n', 'var/run/secrets/kubernetes.io/serviceaccount/namespace': 'default' },
      {},
      { runtime: null, orchestrator: 'kubernetes', id: null },
    ],
    ['a container by variable', {}, { container: 'lxc' }, { runtime: 'lxc', orchestrator: null, id: null }],
  ])('recognizes %s', (_, contents, environment, expected) => {
    expect(findContainer(createHost(contents), environment)).toEqual(expected);
  });
});

describe('readMemoryLimit', () => {
  it('is undefined without limits', () => {
    const free = {
      'proc/self/cgroup': '5:memory:/a\n0::/a\n',
      'sys/fs/cgroup/memory/a/memory.limit_in_bytes': '9223372036854771712\n',
      'sys/fs/cgroup/memory/a/memory.usage_in_bytes': '1\n',
      'sys/fs/cgroup/unified/a/memory.max': 'max\n',
      'sys/fs/cgroup/unified/a/memory.current': '1\n',
    };

    expect(readMemoryLimit(createHost(free), 8 * GIB)).toBeUndefined();
    expect(readMemoryLimit({ root: createTempDir() }, 8 * GIB)).toBeUndefined();
  });

  it('is the lowest limit of the groups of the process, and excludes cache that can be freed', () => {
    const host = createHost({
      'proc/self/cgroup': '0::/pod/container\n',
      'sys/fs/cgroup/pod/memory.max': `${2 * GIB}\n`,
      'sys/fs/cgroup/pod/memory.current': `${1.5 * GIB}\n`,
      'sys/fs/cgroup/pod/memory.stat': `anon 5\ninactive_file ${0.5 * GIB}\nactive_file 7\n`,
      'sys/fs/cgroup/pod/container/memory.max': `${4 * GIB}\n`,
      'sys/fs/cgroup/pod/container/memory.current': '1\n',
    });

    expect(readMemoryLimit(host, 8 * GIB)).toEqual({ limitBytes: 2 * GIB, usedBytes: GIB });
  });

  it('is found when the container sees its own group as root', () => {
    const host = createHost({
      'proc/self/cgroup': `4:memory:/docker/${ID}\n`,
      'sys/fs/cgroup/memory/memory.limit_in_bytes': `${GIB}\n`,
      'sys/fs/cgroup/memory/memory.usage_in_bytes': `${0.5 * GIB}\n`,
      'sys/fs/cgroup/memory/memory.stat': `inactive_file 1\ntotal_inactive_file ${0.25 * GIB}\n`,
    });

    expect(readMemoryLimit(host, 8 * GIB)).toEqual({ limitBytes: GIB, usedBytes: 0.25 * GIB });
  });
});

describe('readCpuLimit', () => {
  it('is the quota in processors, for both versions of control groups', () => {
    const v2 = createHost({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': '150000 100000\n' });
    const v1 = createHost({
      'proc/self/cgroup': '1:cpu,cpuacct:/\n',
      'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '200000\n',
      'sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    });
    const free = createHost({ 'proc/self/cgroup': '0::/\n', 'sys/fs/cgroup/cpu.max': 'max 100000\n' });

    expect([v2, v1, free].map(readCpuLimit)).toEqual([1.5, 2, undefined]);
  });
});
