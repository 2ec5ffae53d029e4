/** Compares the table of docs/stores.md with the output of `polytrack check` for each store. `UPDATE_DOCS=true` updates the table. */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { nodeIo } from '../../uploader/base/io/io.js';
import { checkStore } from '../../uploader/operations/check/check-store.js';
import { toCapabilityRows, toCheckText } from '../../uploader/operations/check/check-text.js';
import { POLYAXON_STORE } from '../../uploader/store/base/capabilities.js';
import { AzuriteServer } from '../support/azurite.js';
import { GcsEmulator } from '../support/gcs-emulator.js';
import { describeWithPeers } from '../support/peers.js';
import { S3Server } from '../support/s3-server.js';
import { SmallS3Server } from '../support/small-s3-servers.js';
import { createSharedTempDir, createTempDir } from '../support/temp-dir.js';

const DOCUMENT = join(import.meta.dirname, '../../docs/stores.md');
const START = '<!-- capabilities -->\n\n';

interface Place {
  readonly title: string;
  readonly url: string;
  readonly endpoint?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

describeWithPeers(['s3', 'moto', 'azurite', 'gcs'], 'docs/stores.md', () => {
  let places: Place[] = [];

  beforeAll(async () => {
    const [s3, moto, azurite, gcs] = await Promise.all([
      S3Server.startShared(),
      SmallS3Server.startShared('moto'),
      AzuriteServer.startShared(),
      GcsEmulator.startShared(),
    ]);
    await Promise.all([s3, moto, gcs].map((server) => server.bucket('runs')));
    await azurite.container('runs');
    places = [
      { title: 'directory', url: `file://${createSharedTempDir()}` },
      { title: 'S3: versitygw 1.8.0', url: 's3://runs', endpoint: s3.endpoint, environment: s3.env },
      { title: 'S3: moto 5.2.1', url: 's3://runs', endpoint: moto.endpoint, environment: moto.env },
      { title: 'Azure: azurite 3.35.0', url: 'azure://runs', environment: azurite.env },
      { title: 'Google: fake-gcs-server 1.56.1', url: 'gs://runs', environment: gcs.env },
    ];
    return () => vi.unstubAllEnvs();
  });

  it('lists the capabilities of each store', async () => {
    const columns = [];
    for (const place of places) columns.push({ title: place.title, rows: await askStore(place) });
    columns.push({ title: 'Polyaxon', rows: toCapabilityRows(POLYAXON_STORE) });
    const table = toTable(columns);
    if (process.env.UPDATE_DOCS === 'true') update(table);

    expect(readTable().table).toBe(table);
  });
});

/** Returns the rows that `polytrack check` prints. */
async function askStore({ url, endpoint, environment = {} }: Place): Promise<[string, string][]> {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const check = await checkStore(url, { io: nodeIo, stateDirectory: createTempDir(), s3: { endpoint } });
  expect(check).toMatchObject({ isUsable: true, error: null });
  const names = new Set(toCapabilityRows(POLYAXON_STORE).map(([name]) => name));
  return toCheckText(check)
    .split('\n')
    .map((line): [string, string] => {
      const [name = '', value = ''] = line.split(/ {2,}/);
      return [name, value];
    })
    .filter(([name]) => names.has(name));
}

interface Column {
  readonly title: string;
  readonly rows: readonly (readonly [string, string])[];
}

function toTable(columns: readonly Column[]): string {
  const toLine = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  const lines = toCapabilityRows(POLYAXON_STORE).map(([name], index) =>
    toLine([name, ...columns.map(({ rows }) => (rows[index]?.[0] === name ? rows[index][1] : '?'))]),
  );
  const head = toLine(['Asked', ...columns.map(({ title }) => title)]);
  return [head, `|${'---|'.repeat(columns.length + 1)}\n`, ...lines].join('');
}

/** Returns the lines of the table, and the text before and after it. */
function readTable(): { readonly before: string; readonly table: string; readonly after: string } {
  const text = readFileSync(DOCUMENT, 'utf8');
  const start = text.indexOf(START) + START.length;
  const lines = text.slice(start).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  const table = lines
    .slice(0, end)
    .map((line) => `${line}\n`)
    .join('');
  return { before: text.slice(0, start), table, after: lines.slice(end).join('\n') };
}

function update(table: string): void {
  const { before, after } = readTable();
  writeFileSync(DOCUMENT, `${before}${table}${after.startsWith('\n') ? '' : '\n'}${after}`);
}
