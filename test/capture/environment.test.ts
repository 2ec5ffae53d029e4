import { writeFileSync } from 'node:fs';
import { hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { captureEnvironment } from '../../src/capture/environment.js';
import { createMasker } from '../../src/capture/secrets.js';
import { createTempDir } from '../support/temp-dir.js';

/** The keys of `get_run_env` that are not specific to Python. Source: clipped 0.11, `utils/env.py`. */
const PYTHON_KEYS = [
  ...[
    'pid',
    'hostname',
    'os',
    'system',
    'user',
    'sys.argv',
    'is_notebook',
    'filename',
    'module_path',
    'packages',
  ],
];

describe('captureEnvironment', () => {
  it('has the keys of the Python client and further keys for Node.js', async () => {
    const captured = await captureEnvironment(createMasker({}));

    expect(Object.keys(captured)).toEqual(expect.arrayContaining(PYTHON_KEYS));
    expect(captured).toMatchObject({
      pid: process.pid,
      hostname: hostname(),
      is_notebook: false,
      node_version: process.versions.node,
      v8_version: process.versions.v8,
      polytrack_version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      platform: process.platform,
      arch: process.arch,
      cpu_count: expect.any(Number),
      cpu_model: expect.any(String),
      memory_total_bytes: totalmem(),
      exec_argv: expect.any(Array),
    });
    expect(captured.packages).toContainEqual(['typescript', expect.any(String)]);
    expect(JSON.parse(JSON.stringify(captured))).toEqual(captured);
  });

  it('describes the program that was started', async () => {
    const directory = createTempDir();
    const captured = await captureEnvironment(createMasker({}), {
      argv: ['/usr/bin/node', '/srv/app/train.js', '--epochs', '3'],
      directory,
      environment: { USER: 'alice', npm_config_user_agent: 'yarn/1.22.22 npm/? node/v20' },
    });

    expect(captured).toMatchObject({
      user: 'alice',
      'sys.argv': ['/srv/app/train.js', '--epochs', '3'],
      filename: 'train.js',
      module_path: '/srv/app',
      working_directory: directory,
      package_manager: 'yarn/1.22.22',
    });
  });

  it('works without a script', async () => {
    const directory = createTempDir();

    expect(await captureEnvironment(createMasker({}), { argv: ['/usr/bin/node'], directory })).toMatchObject({
      'sys.argv': [],
      filename: 'not found',
      module_path: directory,
    });
  });

  it('contains only variables of schedulers and processors, and no secrets', async () => {
    const environment = {
      HOME: '/home/alice',
      MY_TOKEN: 'planted-secret-1',
      POLYAXON_AUTH_TOKEN: 'planted-secret-2',
      POLYAXON_PROJECT: 'demo',
      SLURM_JOB_ID: '42',
      CUDA_VISIBLE_DEVICES: '0,1',
      NODE_OPTIONS: '--max-old-space-size=4096 --title=planted-secret-1',
      POLYAXON_CONFIG: `{"password":"planted-secret-3","x":"${'y'.repeat(3000)}"}`,
      RANK: '3',
    };
    const directory = createTempDir();
    writeFileSync(join(directory, 'package.json'), '{"name":"demo"}');
    const captured = await captureEnvironment(createMasker(environment), {
      environment,
      argv: ['node', 'train.js', '--api-key', 'planted-secret-4', '--url=https://a:planted-secret-5@h/x'],
      execArgv: ['--eval', 'const password = "planted-secret-6"'],
      directory,
    });

    expect(JSON.stringify(captured)).not.toContain('planted-secret');
    expect(captured['sys.argv']).toEqual(['train.js', '--api-key', '***', '--url=https://a:***@h/x']);
    expect(captured.environment_variables).toEqual({
      CUDA_VISIBLE_DEVICES: '0,1',
      NODE_OPTIONS: '--max-old-space-size=4096 --title=***',
      POLYAXON_AUTH_TOKEN: '***',
      POLYAXON_CONFIG: expect.stringMatching(/^\{"password":"\*\*\*","x":"y+… \(\d+ characters more\)$/),
      POLYAXON_PROJECT: 'demo',
      RANK: '3',
      SLURM_JOB_ID: '42',
    });
  });
});
