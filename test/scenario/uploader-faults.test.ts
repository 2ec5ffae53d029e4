/**
 * The uploader process behind a network that resets, stalls, rejects or corrupts requests and loses responses. Every commit has exactly one
 * effect, and the store ends up equal to the disk. The bucket's object versions count the effects.
 */

import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { compareHashes, hashObjects, hashTree, isLeftOut } from '../../bench/support/hashes.mjs';
import { createRandom } from '../../bench/support/random.mjs';
import { UploaderProcess } from '../../bench/support/uploader-process.mjs';
import { encodeRecord } from '../../src/format/record/record-codec.js';
import {
  CAPTIVE_PORTAL,
  ERROR_IN_SUCCESS,
  type Fault,
  FaultProxy,
  type ProxiedRequest,
  SLOW_DOWN,
} from '../support/fault-proxy.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { createTempDir } from '../support/temp-dir.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const UUID = 'd4'.repeat(16);
const EVENTS = `${UUID}/outputs/tensorboard/events.out.tfevents.1700000000.host`;
const LOG = `${UUID}/logs/main.log`;

const SEED = Number(process.env.FAULT_SEED ?? 5);
const FAULT_SHARE = 0.3;

const FAULTS: readonly Fault[] = [
  { kind: 'reset', afterBytes: 0 },
  { kind: 'drop-answer' },
  { kind: 'answer', answer: { ...SLOW_DOWN, headers: { ...SLOW_DOWN.headers, 'retry-after': '1' } } },
  { kind: 'replace-answer', answer: ERROR_IN_SUCCESS },
  { kind: 'reset', afterBytes: 10_000 },
  { kind: 'answer', answer: ERROR_IN_SUCCESS },
  { kind: 'drop-answer', afterBytes: 20 },
  { kind: 'answer', answer: CAPTIVE_PORTAL },
  { kind: 'replace-answer', answer: { ...SLOW_DOWN, headers: { ...SLOW_DOWN.headers, 'retry-after': '1' } } },
  { kind: 'flip', atByte: 100 },
];

describeWithPeers(['s3'], 'the uploader behind a bad network', () => {
  it('has exactly one effect for each commit of small, large and growing files', async () => {
    const scene = await createScene();

    scene.proxy.script = strikeAtRandom(SEED);
    expect(await scene.sync()).toBe(0);
    const first = await scene.versions();
    appendFileSync(join(scene.runs, EVENTS), events(MIB));
    appendFileSync(join(scene.runs, LOG), 'more\n'.repeat(100 * KIB));
    scene.proxy.script = strikeAtRandom(SEED + 1);
    expect(await scene.sync()).toBe(0);
    const second = await scene.versions();

    expect(await scene.differences()).toEqual([]);
    const keys = Object.keys(await hashTree(scene.runs));
    expect(counts(first)).toEqual(Object.fromEntries(keys.map((key) => [key, 1])));
    expect(counts(second)).toEqual(
      Object.fromEntries(keys.map((key) => [key, key === EVENTS || key === LOG ? 2 : 1])),
    );
    for (const effects of Object.values(second)) expect(new Set(effects).size).toBe(effects.length);
    expect(scene.proxy.log.filter(({ fault }) => fault !== null).length).toBeGreaterThan(5);
  });

  it('continues after a request body stalls', async () => {
    const scene = await createScene();
    let stalled = 0;
    scene.proxy.script = ({ operation, url }) => {
      if (operation !== 'UploadPart' || !url.includes('model.bin') || stalled > 0) return undefined;
      stalled += 1;
      return { kind: 'stall', afterBytes: 1000 };
    };

    expect(await scene.sync()).toBe(0);

    expect(await scene.differences()).toEqual([]);
    expect(stalled).toBe(1);
    for (const effects of Object.values(await scene.versions())) expect(effects).toHaveLength(1);
  });
});

/** Injects each fault once, into randomly chosen requests, including HEAD requests and probes. */
function strikeAtRandom(seed: number): (request: ProxiedRequest) => Fault | undefined {
  const random = createRandom(seed);
  const left = [...FAULTS];
  return () => (random() < FAULT_SHARE ? left.splice(Math.floor(random() * left.length), 1)[0] : undefined);
}

async function createScene() {
  const server = await S3Server.start();
  const bucket = await server.versionedBucket('runs');
  const proxy = await FaultProxy.start(server.endpoint);
  const home = createTempDir();
  const runs = join(home, 'root/runs');
  writeTree(runs);
  const client = server.createClient();
  const sync = (): Promise<number | NodeJS.Signals> => {
    const args = ['sync', join(home, 'root'), '--store', `s3://${bucket}/team`, '--retry-timeout', '120'];
    const uploader = new UploaderProcess([...args, '--state-dir', join(home, 'state')], {
      env: { ...server.env, AWS_ENDPOINT_URL: proxy.endpoint },
      home,
    });
    return uploader.exited;
  };
  /** Returns size and ETag of all versions of each object, by key. */
  const versions = async (): Promise<Record<string, string[]>> => {
    const found: Record<string, string[]> = {};
    const command = new ListObjectVersionsCommand({ Bucket: bucket, Prefix: 'team/' });
    const { Versions = [] } = await client.send(command);
    for (const { Key = '', Size, ETag } of Versions) {
      const key = Key.slice('team/'.length);
      if (!isLeftOut(key)) found[key] = [...(found[key] ?? []), `${Size} ${ETag}`];
    }
    return found;
  };
  const differences = async (): Promise<string[]> =>
    compareHashes(await hashTree(runs), await hashObjects({ client, bucket }, 'team/'));
  return { proxy, runs, sync, versions, differences };
}

function writeTree(runs: string): void {
  const write = (path: string, content: Buffer | string): void => {
    mkdirSync(dirname(join(runs, path)), { recursive: true });
    writeFileSync(join(runs, path), content);
  };
  for (let index = 0; index < 12; index++)
    write(`${UUID}/assets/small ${index}.json`, `${index}`.repeat(index * 1000));
  write(`${UUID}/outputs/model.bin`, Buffer.alloc(20 * MIB, 'weights '));
  write(EVENTS, events(6 * MIB));
  write(LOG, 'line\n'.repeat(100 * KIB));
}

/** Returns records of 64 KiB with a total of about `sizeBytes`. */
function events(sizeBytes: number): Buffer {
  const records = Array.from({ length: sizeBytes / (64 * KIB) }, () => encodeRecord(randomBytes(64 * KIB)));
  return Buffer.concat(records);
}

function counts(versions: Record<string, string[]>): Record<string, number> {
  return Object.fromEntries(Object.entries(versions).map(([key, effects]) => [key, effects.length]));
}
