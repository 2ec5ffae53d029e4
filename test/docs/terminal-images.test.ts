/**
 * Renders what commands print to a terminal, for the images of docs/runs.md, docs/uploader.md and docs/operations.md.
 *
 * SCREENSHOTS=docs/images writes the images.
 */

import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPage } from '../support/browser.js';
import { writeDemoRuns } from '../support/demo-runs.js';
import { describeWithPeers, peerPath } from '../support/peers.js';
import { runPython } from '../support/python.js';
import { createSharedTempDir } from '../support/temp-dir.js';
import { runInTerminal } from '../support/terminal.js';

const IMAGES = join(import.meta.dirname, '../../docs/images');
const MAX_BYTES = 40_000;
const COLUMNS = 100;
const STORE = 'file:///mnt/bucket';
const COMMANDS: readonly (readonly [name: string, command: string])[] = [
  ['runs', 'polytrack runs'],
  ['show', 'polytrack show resnet-wide'],
  ['compare', 'polytrack compare resnet-lr0.1 resnet-wide resnet-lr1'],
  ['sync', `polytrack sync plx-runs --store ${STORE}`],
  ['status', 'polytrack status plx-runs'],
  ['watch', `polytrack watch plx-runs --store ${STORE}/live`],
  ['doctor', 'polytrack doctor plx-runs'],
  ['help', 'polytrack --help'],
];
/** What a command that does not end writes when it has done its work. */
const LAST = { watch: '(stored [0-9a-f]{32}/run.plx.json .*){4}' };

const home = createSharedTempDir();
const before = process.cwd();
const screenshots = process.env.SCREENSHOTS;
const directory = screenshots === undefined ? undefined : join(before, screenshots);

/** The codes of uploader/commands/paint.ts. */
const STYLES: Readonly<Record<string, string>> = {
  31: '#f47067',
  32: '#8ddb8c',
  33: '#e0b36c',
  2: '#909dab',
};

/** What is on the screen in the end: a line that is written again replaces the one before. */
function toScreen(text: string): string {
  const lines = text.replaceAll('\r\n', '\n').split('\n');
  return lines.map((line) => line.slice(line.lastIndexOf('\r') + 1)).join('\n');
}

function toHtml(text: string): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const painted = escaped
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes begin with ESC
    .replace(/\u001b\[(\d+)m/g, (_, code: string) =>
      code in STYLES ? `<span style="color: ${STYLES[code]}">` : '</span>',
    )
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the codes begin with ESC
    .replace(/\u001b\[\??\d*[A-Za-z]/g, '');
  return `<!doctype html><meta charset="utf-8"><body style="margin: 0"><pre style="${[
    ...['display: inline-block', 'margin: 0', 'padding: 14px 18px', `width: calc(${COLUMNS}ch + 2px)`],
    ...[
      "font: 12px/17px 'DejaVu Sans Mono', monospace",
      'white-space: pre-wrap',
      'will-change: transform',
      'border-radius: 6px',
      'word-break: break-all',
      'background: #22272e',
      'color: #cdd9e5',
    ],
  ].join(';')}">${painted}</pre>`;
}

/** Makes an image a fifth as large: 64 colours are enough for text. */
const SHRINK = `
import sys
from PIL import Image
Image.open(sys.argv[1]).convert('RGB').quantize(64).save(sys.argv[1], optimize=True)
`;

describeWithPeers(['python', 'chromium', 'tensorboard'], 'Images of commands', () => {
  beforeAll(async () => {
    vi.stubEnv('TERM', 'xterm-256color');
    vi.stubEnv('HOME', home);
    vi.stubEnv('PATH', `${dirname(peerPath('tensorboard'))}:${process.env.PATH}`);
    for (const name of ['COLUMNS', 'NO_COLOR', 'FORCE_COLOR', 'POLYAXON_OFFLINE_ROOT'])
      vi.stubEnv(name, undefined);
    await writeDemoRuns(join(home, 'plx-runs'));
    mkdirSync(join(home, 'bucket/live'), { recursive: true });
    process.chdir(home);
  });
  afterAll(() => {
    process.chdir(before);
    vi.unstubAllEnvs();
  });

  it.each(COMMANDS)('%s is shown with its colours', async (name, command) => {
    const args = command.replace(STORE, `file://${home}/bucket`).split(' ').slice(1);
    const { text } = await runInTerminal(COLUMNS, args, Reflect.get(LAST, name) as string | undefined);
    const shown = toScreen(text).replaceAll(`file://${home}/bucket`, STORE).replaceAll(home, '/home/ada');
    const page = await openPage('about:blank');
    await page.setContent(toHtml(`\u001b[2m$\u001b[22m ${command}\n${shown.trimEnd()}\n`));
    const block = page.locator('pre');

    if (name !== 'help') expect(await page.locator('pre span').count()).toBeGreaterThan(1);
    if (directory === undefined) return;
    const path = join(directory, `terminal-${name}.png`);
    await block.screenshot({ path });
    await runPython(SHRINK, [path]);
  });
});

describe('docs/images', () => {
  it('has an image of each command, small enough for an installed package', () => {
    const found = readdirSync(IMAGES).filter((name) => name.startsWith('terminal-'));
    const sizes = found.map((name) => statSync(join(IMAGES, name)).size);

    expect(found).toEqual(COMMANDS.map(([name]) => `terminal-${name}.png`).sort());
    expect(Math.max(...sizes)).toBeLessThan(MAX_BYTES);
  });
});
