/** The image of deploy/Dockerfile starts and reaches all stores. There is no container engine: `createImage` does the steps of the file by hand. */

import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { Run } from '../../src/index.js';
import { AzuriteServer } from '../support/azurite.js';
import { GcsEmulator } from '../support/gcs-emulator.js';
import { createImage, type Image, readStages } from '../support/image.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { createTempDir } from '../support/temp-dir.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const USER = 65_532;

describe('deploy/Dockerfile', () => {
  const dockerfile = read('deploy/Dockerfile');
  const [build = [], final = []] = readStages(dockerfile);

  it('copies only what .dockerignore lets through', () => {
    const sent = read('.dockerignore').match(/(?<=^!).+$/gm);
    const copied = build
      .filter((line) => line.startsWith('COPY '))
      .flatMap((line) => line.split(/\s+/).slice(1, -1))
      .filter((word) => !word.startsWith('--'));

    expect(copied.sort()).toEqual(sent?.sort());
  });

  it('runs as a user with a number other than 0, and takes base images by digest', () => {
    expect(final).toContain(`USER ${USER}:${USER}`);
    expect(dockerfile.match(/(?<=^FROM )\S+/gm)).toEqual(
      ['BUILD', 'RUNTIME'].map((name) => `\${${name}_IMAGE}`),
    );
  });
});

describeWithPeers(['s3', 'gcs', 'azurite'], 'the image', () => {
  let image: Image;
  beforeAll(async () => {
    image = createImage();
    mkdirSync(join(image.root, 'runs'), { recursive: true });
    const run = new Run({ root: join(image.root, 'runs'), name: 'train', trackCode: false });
    run.logMetric('loss', 0.5, { step: 1 });
    await run.end();
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(read('package.json')) as { readonly version: string };

    expect(await image.run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it.each([
    ['s3', S3Server],
    ['gs', GcsEmulator],
    ['azure', AzuriteServer],
  ] as const)('stores runs in %s:// without a volume, on a read-only root', async (scheme, Server) => {
    const server = await Server.startShared();
    const store = `${scheme}://${'bucket' in server ? await server.bucket('image') : await server.container('image')}/runs`;

    const { code, stdout, stderr } = await image.run(['sync', '/runs', '--store', store], server.env);

    expect(stdout + stderr).toContain('Complete');
    expect(code).toBe(0);
    if (image.isContained)
      expect(stdout + stderr).toMatch(/read-only file system: the state is in \/dev\/shm/);
  });

  it('keeps its state on a volume', async () => {
    const server = await S3Server.start();
    const store = `s3://${await server.bucket('volume')}/runs`;
    const state = createTempDir();
    if (image.isContained) chownSync(state, USER, USER);
    const env = image.isContained ? server.env : { ...server.env, POLYTRACK_STATE_DIR: state };

    const first = await image.run(['sync', '/runs', '--store', store], env, state);
    const second = await image.run(['sync', '/runs', '--store', store], env, state);

    expect([first.code, second.code]).toEqual([0, 0]);
    expect(first.stdout + first.stderr).not.toContain('read-only file system');
    expect(second.stdout + second.stderr).toContain('5 unchanged');
  });
});
