import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.js';
import { startSandbox, startViewer } from '../support/polyaxon.js';
import { S3Server } from '../support/s3-server.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

describeWithPeers(['tensorboard'], 'TensorBoard', () => {
  it.each([true, false])('starts and responds with load_fast %s', async (fast) => {
    const board = await TensorBoard.start({ logdir: createTempDir(), fast });

    expect(await board.get('environment')).toMatchObject({ version: '2.21.0' });
  });
});

describeWithPeers(['s3'], 'the S3 server', () => {
  it('keeps its objects after a restart', async () => {
    const server = await S3Server.start();
    const bucket = await server.bucket('things');
    const client = server.createClient();
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'a/b', Body: 'hello' }));

    await server.stop();
    await expect(client.send(new GetObjectCommand({ Bucket: bucket, Key: 'a/b' }))).rejects.toThrow();
    await server.start();

    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: 'a/b' }));
    expect(await Body?.transformToString()).toBe('hello');
    client.destroy();
  });
});

describeWithPeers(['polyaxon'], 'Polyaxon', () => {
  it('shows offline runs in its viewer', async () => {
    await using viewer = await startViewer(createTempDir());

    expect(await viewer.get('/api/v1/installation')).toMatchObject({ version: '2.16.1', mode: 'viewer' });
  });

  it('keeps runs after a restart of its server, and serves the web page', async () => {
    const directory = createTempDir();
    const server = await startSandbox(directory);
    await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
    const run = (await server.send('POST', '/api/v1/default/demo/runs', {
      name: 'first',
      managed_by: 'user',
    })) as { uuid: string };

    await server.stop();
    await using again = await startSandbox(directory);

    expect(await again.get('/api/v1/installation')).toMatchObject({ version: '2.16.1', mode: 'sandbox' });
    expect(await again.get(`/api/v1/default/demo/runs/${run.uuid}`)).toMatchObject({ name: 'first' });
    const page = Buffer.from(await again.getBytes('/')).toString('utf8');
    const scripts = [...page.matchAll(/<script[^>]*src="([^"]+)"/g)].map((match) => match[1]!);
    expect(scripts.length).toBeGreaterThan(3);
    for (const script of scripts) expect((await again.getBytes(script)).length, script).toBeGreaterThan(1000);
  });
});
