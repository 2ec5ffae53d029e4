import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

describeWithPeers(['tensorboard'], 'TensorBoard', () => {
  it.each([true, false])('starts and answers with load_fast %s', async (fast) => {
    const board = await TensorBoard.start({ logdir: createTempDir(), fast });

    expect(await board.get('environment')).toMatchObject({ version: '2.21.0' });
  });
});

describeWithPeers(['s3'], 'the S3 server', () => {
  it('keeps its objects over a restart', async () => {
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
