// Measures time and memory of the first scan of all files below a root, and the processor time of later scans while nothing changes:
//
//   node know-files.mjs <scan|chokidar|floor> <root> <files>
//
// `scan` uses the uploader's scanner and inventory. `floor` calls lstat synchronously for each name and keeps nothing.

import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DIST } from '../support/uploader-process.mjs';
import { report } from '../support/values.mjs';

const [how, root, countText] = process.argv.slice(2);
const PASSES = 5;
const MiB = 2 ** 20;

const { know, acknowledge, pass, version } = await {
  scan: openScanner,
  chokidar: openChokidar,
  floor: openFloor,
}[how]();
const imported = process.memoryUsage.rss() / MiB;
const start = process.hrtime.bigint();
const count = await know();
const nanoseconds = Number(process.hrtime.bigint() - start);
const above = process.resourceUsage().maxRSS / 1024 - imported;
if (count !== Number(countText)) throw new Error(`found ${count} files, expected ${countText}`);
acknowledge?.();
const passes = [];
for (let i = 0; pass !== undefined && i < PASSES; i++) {
  const cpu = process.cpuUsage();
  await pass();
  const { user, system } = process.cpuUsage(cpu);
  passes.push((user + system) * 1000);
}
passes.sort((a, b) => a - b);
const passCpu = passes.length === 0 ? {} : { pass: passes[Math.floor(PASSES / 2)] };
report({ nanoseconds, above, total: imported + above, ...passCpu, version });
process.exit(0); // a file watcher keeps the process running

async function openScanner() {
  const load = (path) => import(pathToFileURL(join(DIST, 'uploader', path)).href);
  const { UploaderContext } = await load('engine/context/uploader-context.js');
  const { resolveConfig } = await load('settings/sync-config.js');
  const { FLAG } = await load('pipeline/inventory/file-table.js');
  const home = join(root, '..');
  const flags = { store: `file://${join(home, 'no-store')}`, stateDir: join(home, 'state') };
  const { nodeFileSystem } = await load('base/io/node-file-system.js');
  const { config } = await resolveConfig(root, flags, { HOME: home }, nodeFileSystem);
  const parts = await UploaderContext.open(config, {}, { isWatching: false });
  const { inventory } = parts;
  const scanner = parts.createScanner();
  const countFiles = (flag) => {
    let found = 0;
    for (let id = 0; id < inventory.table.count; id++) if (inventory.table.has(id, flag)) found++;
    return found;
  };
  return {
    version: JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version,
    async know() {
      await scanner.scanAll();
      return countFiles(FLAG.onDisk);
    },
    acknowledge() {
      acknowledgeAll(inventory);
    },
    async pass() {
      await scanner.scanAll();
      if (countFiles(FLAG.dirty) > 0) throw new Error('unchanged files are dirty');
    },
  };
}

/** Marks each file as stored, as after a sync. */
function acknowledgeAll(inventory) {
  for (const run of inventory.runs) {
    for (const id of inventory.filesOf(run)) {
      const { directory, path } = inventory.placeOf(id);
      const { size, mtimeNs, ctimeNs, ino } = lstatSync(join(directory.toString(), path), { bigint: true });
      const file = { sizeBytes: Number(size), mtimeNs, ctimeNs, ino };
      const object = { etag: `"${id}"`, sizeBytes: file.sizeBytes };
      inventory.onListed(inventory.keyOf(id), object);
      inventory.setEntry(id, { key: inventory.keyOf(id), file, crc32: id, object, isRecent: false });
    }
    run.isListed = true;
  }
}

async function openChokidar() {
  const { watch } = await import('chokidar');
  const read = (name) => readFileSync(new URL(`../../node_modules/${name}`, import.meta.url), 'utf8');
  return {
    version: JSON.parse(read('chokidar/package.json')).version,
    async know() {
      let count = 0;
      await new Promise((resolve) => {
        const watcher = watch(root);
        watcher.on('add', () => count++);
        watcher.once('ready', resolve);
      });
      return count;
    },
  };
}

async function openFloor() {
  const walk = (directory) => {
    let count = 0;
    for (const name of readdirSync(directory)) {
      const path = join(directory, name);
      if (lstatSync(path, { bigint: true }).isDirectory()) count += walk(path);
      else count++;
    }
    return count;
  };
  return {
    version: process.version,
    know: async () => walk(root),
    pass: async () => walk(root),
  };
}
