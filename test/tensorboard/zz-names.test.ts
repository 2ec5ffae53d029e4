import { cpSync, mkdirSync } from 'node:fs';
import { it } from 'vitest';
import { EventFileWriter } from '../../src/index.js';
import { tensorboard } from '../../src/wire/generated/graph.js';
import { openPage } from '../support/browser.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

const CASES: Record<string, string[]> = {
  plain: ['alpha', 'omega'],
  prefix: ['alpha', 'alpha/b', 'omega'],
  space: ['al pha', 'omega'],
  newline: ['al\npha', 'omega'],
  quote: ['al"pha', 'omega'],
  backslash: ['al\\pha', 'omega'],
  brackets: ['al[0]{x}(y)<z>', 'omega'],
  unicode: ['älphaé', 'omega'],
  colon: ['al:pha', 'omega'],
  colon0: ['alpha:0', 'omega'],
  caret: ['al^pha', 'omega'],
  caret0: ['^alpha', 'omega'],
  lead: ['/alpha', 'omega'],
  trail: ['alpha/', 'omega'],
  double: ['alpha//b', 'omega'],
  dangling: ['alpha', 'omega', '>missing'],
  danglingscope: ['s/alpha', 's/omega', '>t/missing'],
  self: ['alpha', 'omega', '>omega'],
  nul: ['al\0pha', 'omega'],
};
it('names', async () => {
  const logdir = createTempDir();
  for (const [run, names] of Object.entries(CASES)) {
    const dir = `${logdir}/${run}`;
    mkdirSync(dir, { recursive: true });
    const node = names
      .filter((n) => !n.startsWith('>'))
      .map((name, i, all) => ({
        name,
        op: 'Op',
        input:
          i === all.length - 1
            ? [all[0]!, ...names.filter((n) => n.startsWith('>')).map((n) => n.slice(1))]
            : [],
        attr: { _output_shapes: { list: { shape: [{ dim: [{ size: 3 }] }] } } },
      }));
    const w = new EventFileWriter(dir);
    w.writeEvent({
      wallTime: 1,
      step: 0,
      what: { kind: 'graphDef', graphDef: tensorboard.GraphDef.encode({ node }).finish() },
    });
    await w.close();
  }
  cpSync('fixtures/pytorch/graphs', `${logdir}/pytorch`, { recursive: true });
  const board = await TensorBoard.start({ logdir, fast: true });
  await board.waitFor(
    'plugin/graphs/info',
    {},
    (i) => Object.keys(i as object).length > Object.keys(CASES).length || undefined,
  );
  const info = Object.keys((await board.get('plugin/graphs/info')) as object);
  const page = await openPage(board.url);
  const errors: string[] = [];
  page.on('pageerror', (e) => errors.push(e.message));
  let now = '';
  await page.route('**/plugin/graphs/graph?*', (route) => {
    const u = new URL(route.request().url());
    u.searchParams.set('run', now);
    return route.continue({ url: u.href });
  });
  for (const run of info) {
    now = run;
    errors.length = 0;
    await page.goto(`${board.url}/#graphs`);
    await page.reload();
    await page.waitForTimeout(2500);
    const texts = await page.locator('svg text').allTextContents();
    const edges = await page.locator('svg g.edge path').count();
    const err = await page.locator('text=/error|fail/i').allTextContents();
    console.log(
      run.padEnd(12),
      JSON.stringify([...new Set(texts)].filter(Boolean)),
      'edges',
      edges,
      errors.join('; ').slice(0, 200),
      err.join(';').slice(0, 200),
    );
  }
}, 180000);
