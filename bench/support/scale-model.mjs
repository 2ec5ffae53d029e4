// How many requests uploaders make, and what they cost: a model of a few numbers, checked by `bench/cluster.mjs` and told in docs/scale.md.
//
//   node bench/support/scale-model.mjs        the table of docs/scale.md

import { fileURLToPath } from 'node:url';

/** `BEAT_INTERVAL_MS` of uploader/cluster/membership.ts: a listing and a write each. */
const BEAT_S = 8;
/** US dollars for 1,000 requests that write or list. Source: the public price list of S3 Standard. */
const PRICE_PER_1000 = 0.005;
/** Of a run: written at its beginning and its end, besides what grows and what is made once (run file, lineage, environment). */
const OWN_WRITES = 3;
/** Requests of an append to a file above 5 MiB: create, copy, part, complete. */
const APPEND_REQUESTS = 4;

/**
 * Requests of `uploaders` on `runs` runs at a time for `seconds`: growing files are stored when they are new, and brought up to date every `interval` seconds, each with one request, or
 * with four once it is larger than 5 MiB; every other file is written once; each run is listed once, by the uploader that works on it.
 */
export function modelRequests({
  runs,
  uploaders,
  seconds,
  interval,
  growing = 2,
  largeGrowing = 0,
  files = 20,
  isShared = uploaders > 1,
}) {
  const refreshes = 1 + Math.max(1, seconds / interval);
  const writes = runs * (growing * refreshes + (files - growing - OWN_WRITES) + OWN_WRITES);
  const appends = runs * largeGrowing * refreshes * APPEND_REQUESTS;
  const lists = runs;
  const beats = isShared ? (uploaders * 2 * seconds) / BEAT_S : 0;
  const total = writes + appends + lists + beats;
  return { writes, appends, lists, beats, total };
}

export function costPerHour(requestsPerSecond) {
  return (requestsPerSecond * 3600 * PRICE_PER_1000) / 1000;
}

const HOUR = 3600;
const SCENES = [
  ['a laptop', { runs: 1, uploaders: 1, interval: 10 }],
  ['a node of a cluster, 10 runs', { runs: 10, uploaders: 1, interval: 10 }],
  ['8 uploaders on one volume, 1,000 runs', { runs: 1000, uploaders: 8, interval: 10 }],
  ['1,000 nodes, 10 runs each', { runs: 10_000, uploaders: 1000, interval: 10, isShared: false }],
  ['the same, every 60 s', { runs: 10_000, uploaders: 1000, interval: 60, isShared: false }],
  [
    'the same, every 10 s, one event file each above 5 MiB',
    { runs: 10_000, uploaders: 1000, interval: 10, growing: 1, largeGrowing: 1, isShared: false },
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
