import { describe, expect, it } from 'vitest';
import { toSkipReason } from '../../../../uploader/pipeline/scan/excludes.js';

describe('toSkipReason', () => {
  it.each([
    ['model.bin.partial', 'unfinished'],
    ['x.tmp', 'unfinished'],
    ['.plx', 'reserved'],
    ['.git', 'tool'],
    ['.model.py.swp', 'tool'],
    ['notes.txt~', 'tool'],
    ['.env', 'secret-shape'],
    ['.env.production', 'secret-shape'],
    ['server.pem', 'secret-shape'],
    ['id_rsa', 'secret-shape'],
    ['id_ed25519_sk', 'secret-shape'],
    ['.netrc', 'secret-shape'],
    ['.aws', 'secret-shape'],
    ['kubeconfig', 'secret-shape'],
    ['my-service-account-key.json', 'secret-shape'],
  ])('excludes %s as %s', (name, reason) => {
    expect(toSkipReason(name)).toBe(reason);
  });

  it.each([
    'id_map.json',
    'id_rsa.pub',
    'environment.txt',
    'env.json',
    'model.key',
    'tmp',
    'partial',
    '.gitignore',
    // Names that Polyaxon's client excludes by default. Source: polyaxon 2.16.4, `_utils/cli_constants.py`.
    ...['lib', 'lib64', 'var', 'parts', 'eggs', 'sdist', 'dist', 'net.so', 'a.spec', 'a.manifest', 'a.egg'],
  ])('does not exclude %s', (name) => {
    expect(toSkipReason(name)).toBeNull();
  });
});
