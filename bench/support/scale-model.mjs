// Estimates the number of requests of uploaders and their cost. `bench/cluster.mjs` checks the model, docs/scale.md describes it.
//
//   node bench/support/scale-model.mjs        prints the table of docs/scale.md

import { fileURLToPath } from 'node:url';

/** `RENEW_MS` of uploader/cluster/lease.ts: a holder writes each of its leases this often, and lists all leases as often. */
const RENEW_S = 8;
/** `SPARE_MS` of uploader/cluster/lease-keeper.ts: an uploader without a lease lists them this often. */
const SPARE_S = 16;
/** US dollars per 1,000 requests that write or list. Source: the public price list of S3 Standard. */
const PRICE_PER_1000 = 0.005;
/** Additional writes of a run at its beginning and end: run file, lineage, environment. */
const OWN_WRITES = 3;
/** Requests per append to a file above 5 MiB: create, copy, part, complete. */
const APPEND_REQUESTS = 4;

/**
 * Returns what a cluster costs while no uploader comes or goes. `rememberedLeases`: entries in the memory of an uploader; twice those that it holds.
 */
export function modelLeases({ uploaders, shards }) {
  const holders = Math.min(uploaders, shards);
  const lists = holders / RENEW_S + (uploaders - holders) / SPARE_S;
  const writes = shards / RENEW_S;
  const held = Math.ceil(shards / uploaders);
  return { lists, writes, requestsPerSecond: lists + writes, rememberedLeases: shards + held };
}

/**
 * Returns the number of requests of `uploaders` for `runs` concurrent runs during `seconds`. A growing file is uploaded when it is new and then every
 * `interval` seconds, with one request, or with four above 5 MiB. Every other file is uploaded once. One uploader lists each run, once.
 */
export function modelRequests({
  runs,
  uploaders,
  seconds,
  interval,
  growing = 2,
  largeGrowing = 0,
  files = 20,
  shards = 0,
}) {
  const refreshes = 1 + Math.max(1, seconds / interval);
  const writes = runs * (growing * refreshes + (files - growing - OWN_WRITES) + OWN_WRITES);
  const appends = runs * largeGrowing * refreshes * APPEND_REQUESTS;
  const lists = runs;
  const leases = shards === 0 ? 0 : modelLeases({ uploaders, shards }).requestsPerSecond * seconds;
  const total = writes + appends + lists + leases;
  return { writes, appends, lists, leases, total };
}

export function costPerHour(requestsPerSecond) {
  return (requestsPerSecond * 3600 * PRICE_PER_1000) / 1000;
}

const HOUR = 3600;
const SCENES = [
  ['a laptop', { runs: 1, uploaders: 1, interval: 10 }],
  ['a node of a cluster, 10 runs', { runs: 10, uploaders: 1, interval: 10 }],
  ['8 uploaders on one volume, 1,000 runs', { runs: 1000, uploaders: 8, interval: 10, shards: 32 }],
  ['1,000 nodes, 10 runs each', { runs: 10_000, uploaders: 1000, interval: 10 }],
  ['the same, every 60 s', { runs: 10_000, uploaders: 1000, interval: 60 }],
  [
    'the same, every 10 s, one event file each above 5 MiB',
    { runs: 10_000, uploaders: 1000, interval: 10, growing: 1, largeGrowing: 1 },
  ],
  ['1,000 nodes, 100 runs each, every 60 s', { runs: 100_000, uploaders: 1000, interval: 60 }],
  [
    '1,000 uploaders on one volume, 64 shards, 100,000 runs, every 60 s',
    { runs: 100_000, uploaders: 1000, interval: 60, shards: 64 },
  ],
];

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log('| | requests a second | a second and prefix | dollars an hour | usual lag, p99 |');
  console.log('| --- | --- | --- | --- | --- |');
  for (const [name, scene] of SCENES) {
    const { total } = modelRequests({ ...scene, seconds: HOUR });
    const rate = total / HOUR;
    const lag = `${scene.interval / 2} s, ${scene.interval + 5} s`;
    const perPrefix = (rate / scene.runs).toFixed(2);
    console.log(`| ${name} | ${rate.toFixed(1)} | ${perPrefix} | ${costPerHour(rate).toFixed(3)} | ${lag} |`);
  }
}
