import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Run } from '../../../src/run/run.js';
import { openPage } from '../../support/browser.js';
import { spawnScript } from '../../support/child-script.js';
import { runCli } from '../../support/cli.js';
import { describeWithPeers } from '../../support/peers.js';
import { NO_CAPTURE } from '../../support/start-run.js';
import { createTempDir } from '../../support/temp-dir.js';

async function logTraces(): Promise<Run> {
  const run = new Run({ root: createTempDir(), name: 'bot', ...NO_CAPTURE });
  let answered: string | undefined;
  await run.trace('answer', { kind: 'agent', inputs: { question: 'why <b>?' } }, async (span) => {
    answered = span.uuid;
    await run.trace('complete', { kind: 'llm' }, async (call) => {
      call.setUsage({ inputTokens: 12, outputTokens: 3, cost: 0.0021 });
      return 'because';
    });
    await run.trace('check', () => Promise.reject(new RangeError('too long'))).catch(() => undefined);
  });
  run.logScore(answered!, 'helpful', 1, { label: 'yes' });
  return run;
}

describe('polytrack show --trace', () => {
  it('prints the trees of an ended run', async () => {
    const run = await logTraces();
    await run.end();

    const { stdout } = await runCli('show', run.paths.run, '--trace');

    expect(
      stdout.replaceAll(/\d+ ms/g, 'N ms').replaceAll(/[\da-f]{8}$/gm, 'ID'),
    ).toBe(`answer [agent]  N ms · helpful 1 (yes)  ID
├─ complete [llm]  N ms · tokens 12 in, 3 out · cost 0.0021
└─ check  N ms · failed
     RangeError: too long
`);
    const chosen = await runCli('show', run.paths.run, '--trace', 'answer');
    expect(chosen.stdout).toContain('inputs {"question":"why <b>?"}');
    const json = await runCli('show', run.paths.run, '--trace', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject([
      { name: 'answer', children: [{ outputs: { output: 'because' } }, {}] },
    ]);
    const missing = await runCli('show', run.paths.run, '--trace', 'ffff');
    expect([missing.code, missing.stderr]).toEqual([
      2,
      expect.stringContaining('no trace of the run matches ffff'),
    ]);
  });

  it('prints open traces while the run is open, and after its process was killed', async () => {
    const root = createTempDir();
    const uuid = '1'.repeat(32);
    const child = spawnScript(
      'Run',
      `const run = new Run({ root: ${JSON.stringify(root)}, uuid: '${uuid}', trackCode: false, trackEnv: false, trackLogs: false, collectResources: false });
      run.trace('agent', async () => {
        run.trace('step', () => 1);
        await run.flush();
        console.log('ready');
        await new Promise((resolve) => setTimeout(resolve, 600_000));
      });`,
    );
    await once(child.stdout!, 'data');
    const path = join(root, 'runs', uuid);

    const running = await runCli('show', path, '--trace');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const killed = await runCli('show', path, '--trace');

    expect(running.stdout).toMatch(/^agent {2}running {2}\w{8}\n└─ step {2}\d+ ms\n$/);
    expect(killed.stdout).toBe(running.stdout);
  });
});

describeWithPeers(['chromium'], 'polytrack show --html', () => {
  it('writes a page that shows the trees without a server', async () => {
    const run = await logTraces();
    await run.end();
    const file = join(createTempDir(), 'traces.html');

    await runCli('show', run.paths.run, '--html', file);
    const page = await openPage(`file://${file}`);

    expect(await page.locator('summary b').allTextContents()).toEqual(['answer', 'complete', 'check']);
    await page.getByText('inputs').first().click();
    expect(await page.locator('pre', { hasText: 'why <b>?' }).isVisible()).toBe(true);
    expect(readFileSync(file, 'utf8')).not.toMatch(/<script|https?:\/\//);
    if (process.env.SHOTS !== undefined)
      await page.screenshot({ path: `${process.env.SHOTS}/trace-page.png` });
  });
});
