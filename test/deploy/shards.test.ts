/** The pods of the StatefulSet and of the Indexed Job: each finds its shard in the environment that Kubernetes gives it, and all of them store every run once. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { nodeIo } from '../../uploader/base/io/io.js';
import { resolveConfig, type SyncConfig } from '../../uploader/settings/sync-config.js';
import { createTempDir } from '../support/temp-dir.js';
import { makeRun } from '../uploader/support/run-tree.js';
import { createHarness } from '../uploader/support/sync-harness.js';

const MANIFESTS = fileURLToPath(new URL('../../deploy/kubernetes/sharded-volume', import.meta.url));
const UUIDS = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(32, 'a'));

type Environment = Record<string, string>;

/**
 * What Kubernetes sets in pod `index`, besides the variables of the manifest. Source: Kubernetes, "StatefulSets" (names, host names and the label pod-index)
 * and "Indexed Job" (JOB_COMPLETION_INDEX; the host name is that of the job with the index).
 */
const PODS: Readonly<Record<string, (index: number, hasLabel: boolean) => Environment>> = {
  'statefulset.yaml': (index, hasLabel) => ({
    HOSTNAME: `polytrack-${index}`,
    POD_NAME: `polytrack-${index}`,
    POD_INDEX: hasLabel ? String(index) : '',
  }),
  'indexed-job.yaml': (index) => ({
    HOSTNAME: `polytrack-sync-x7k2p-${index}`,
    JOB_COMPLETION_INDEX: String(index),
  }),
};

/** The variables with a value in a manifest. */
function readVariables(text: string): Environment {
  const pairs = [...text.matchAll(/- name: (\w+)\n +value: "?([^"\n]+)"?\n/g)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name!, value!]));
}

async function configOf(environment: Environment): Promise<SyncConfig> {
  const all = { HOME: createTempDir(), POLYTRACK_STORE: 's3://bucket/runs', ...environment };
  return (await resolveConfig('/runs', {}, all, nodeIo.fileSystem)).config;
}

describe.each(Object.entries(PODS))('%s', (file, toEnvironment) => {
  const text = readFileSync(join(MANIFESTS, file), 'utf8');
  const variables = readVariables(text);
  const count = Number(variables.POLYTRACK_SHARDS);

  it('has as many shards as pods', () => {
    expect(Number(/(?:replicas|completions): (\d+)/.exec(text)?.[1])).toBe(count);
  });

  it.each([true, false])('gives each pod its shard, with the label pod-index: %s', async (hasLabel) => {
    for (let index = 0; index < count; index += 1) {
      const { shard, cluster } = await configOf({ ...variables, ...toEnvironment(index, hasLabel) });
      expect(shard).toEqual({ index, count });
      expect(cluster).toBeUndefined();
    }
  });

  it('stores every run once', async () => {
    const harness = createHarness();
    for (const uuid of UUIDS) makeRun(harness.root, { 'outputs/a': uuid }, uuid);
    for (let index = 0; index < count; index += 1) {
      const { shard } = await configOf({ ...variables, ...toEnvironment(index, true) });
      const report = await harness.sync({ config: { shard, stateDirectory: createTempDir() } });
      expect(report.isShareComplete).toBe(true);
    }
    for (const uuid of UUIDS) {
      const commits = harness.store.calls.filter((call) => call === `commit ${uuid}/outputs/a`);
      expect(commits, uuid).toHaveLength(1);
    }
  });
});

describe('the number of a shard', () => {
  it.each([
    [
      { POLYTRACK_SHARDS: '4', POD_NAME: 'web-7d4b9c6f5-x2k1z' },
      'POD_NAME, "web-7d4b9c6f5-x2k1z", has no number of a shard',
    ],
    [{ POLYTRACK_SHARDS: '4', POD_INDEX: 'first' }, 'POD_INDEX, "first", has no number of a shard'],
    [{ POLYTRACK_SHARDS: '4', HOSTNAME: 'uploader-4' }, 'the host name: "4/4" does not exist'],
    [{ POLYTRACK_CLUSTER: 'team' }, '--cluster: needs the number of shards'],
    [
      { POLYTRACK_CLUSTER: 'team', POLYTRACK_SHARD: '0/4' },
      '--cluster and --shard: a cluster assigns the shards',
    ],
    [
      { POLYTRACK_SHARDS: '4', POLYTRACK_SHARD: '0/3' },
      '--shard: 0/3 has another number of shards than POLYTRACK_SHARDS, which is 4',
    ],
    [{ POLYTRACK_SHARE: 'team' }, 'POLYTRACK_SHARE: --share was removed'],
  ])('%j is refused', async (environment, message) => {
    await expect(configOf(environment as Environment)).rejects.toMatchObject({
      code: 'ERR_CONFIG',
      message: expect.stringContaining(message),
    });
  });

  it('comes from the variables of Kubernetes in this order', async () => {
    const shards = { POLYTRACK_SHARDS: '9', HOSTNAME: 'host-1', POD_NAME: 'pod-2' };
    const index = async (more: Environment): Promise<number | undefined> =>
      (await configOf({ ...shards, ...more })).shard?.index;
    expect(await index({})).toBe(2);
    expect(await index({ POD_INDEX: '3' })).toBe(3);
    expect(await index({ POD_INDEX: '3', JOB_COMPLETION_INDEX: '4' })).toBe(4);
    expect(await index({ POLYTRACK_SHARD: '5/9', JOB_COMPLETION_INDEX: '4' })).toBe(5);
    expect(await index({ POLYTRACK_CLUSTER: 'team', JOB_COMPLETION_INDEX: '4' })).toBeUndefined();
  });
});
