/** A real Prometheus scrapes an uploader, loads the alerts, and evaluates every expression of the dashboard. */

import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { findFreePort, startChildServer, waitFor } from '../support/child-server.js';
import { describeWithPeers, peerPath } from '../support/peers.js';
import { createSharedTempDir } from '../support/temp-dir.js';
import { createHarness } from '../uploader/support/sync-harness.js';

const run = promisify(execFile);
const MONITORING = fileURLToPath(new URL('../../deploy/kubernetes/monitoring', import.meta.url));
const TESTS = fileURLToPath(new URL('alerts.test.yaml', import.meta.url));
/** These have no samples as long as nothing fails. */
const OF_FAILURES = /polytrack_(?:errors|retry_causes)_total/;

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
}

const dashboard = JSON.parse(readFileSync(join(MONITORING, 'dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
};
const expressions = dashboard.panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => [title, expr] as const),
);

/** What the Prometheus Operator makes of the resource: its `spec` is a file of rules. */
function toRules(resource: string): string {
  return resource.slice(resource.indexOf('\nspec:\n') + '\nspec:\n'.length).replaceAll(/^ {2}/gm, '');
}

/** What Grafana makes of an expression. */
function fillIn(expression: string): string {
  return expression.replaceAll(/\$(?:job|instance)\b/g, '.*').replaceAll('$__rate_interval', '1m');
}

describeWithPeers(['prometheus'], 'Prometheus', () => {
  const directory = createSharedTempDir();
  const rules = join(directory, 'rules.json');
  beforeAll(() => {
    // YAML, but with the name that the tests of the rules use.
    writeFileSync(rules, toRules(readFileSync(join(MONITORING, 'alerts.yaml'), 'utf8')));
    copyFileSync(TESTS, join(directory, 'alerts.test.yaml'));
  });

  it('accepts the alerts, and each fires when it should', async () => {
    const promtool = peerPath('promtool');

    expect((await run(promtool, ['check', 'rules', rules])).stdout).toContain('SUCCESS: 9 rules found');
    const tested = await run(promtool, ['test', 'rules', 'alerts.test.yaml'], { cwd: directory }).catch(
      ({ stdout, stderr }) => expect.fail(stdout + stderr),
    );
    expect(tested.stdout).toContain('SUCCESS');
  });

  it('scrapes an uploader, and evaluates all alerts and every expression of the dashboard', async () => {
    const [port, webPort] = [await findFreePort(), await findFreePort()];
    const harness = createHarness({ 'outputs/a': 'content' });
    const watch = harness.startWatch({ config: { http: { host: '127.0.0.1', port } } });
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rules],
      scrape_configs: [
        { job_name: 'training/polytrack', static_configs: [{ targets: [`127.0.0.1:${port}`] }] },
      ],
    };
    writeFileSync(join(directory, 'prometheus.json'), JSON.stringify(config));
    const url = `http://127.0.0.1:${webPort}`;
    const prometheus = await startChildServer(
      peerPath('prometheus'),
      [
        ...[
          '--config.file',
          join(directory, 'prometheus.json'),
          '--storage.tsdb.path',
          join(directory, 'data'),
        ],
        ...['--web.listen-address', `127.0.0.1:${webPort}`],
      ],
      { env: { PATH: process.env.PATH }, isReady: async () => (await fetch(`${url}/-/ready`)).ok },
    );
    async function query(expression: string): Promise<unknown[]> {
      const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: expression })}`);
      const { data, error } = (await response.json()) as { data?: { result: unknown[] }; error?: string };
      if (data === undefined) throw new Error(`${expression}: ${error}`);
      return data.result;
    }
    try {
      await waitFor('two samples of each', async () => {
        const [stored] = await query('rate(polytrack_store_calls_total{operation="commit"}[1m])');
        return stored;
      });

      const empty: string[] = [];
      for (const [title, expression] of expressions)
        if ((await query(fillIn(expression))).length === 0) empty.push(`${title}: ${expression}`);
      expect(empty.filter((each) => !OF_FAILURES.test(each))).toEqual([]);

      const groups = await waitFor('an evaluation of the rules', async () => {
        const { data } = (await (await fetch(`${url}/api/v1/rules`)).json()) as {
          data: { groups: { rules: { name: string; health: string; state: string }[] }[] };
        };
        return data.groups[0]?.rules.every(({ health }) => health !== 'unknown') ? data.groups : undefined;
      });
      const found = groups.flatMap(({ rules: each }) => each);
      expect(found).toHaveLength(9);
      expect(found.filter(({ health }) => health !== 'ok')).toEqual([]);
      expect(found.filter(({ state }) => state !== 'inactive')).toEqual([]);
    } finally {
      await prometheus.stop();
      await watch.stop();
    }
  });
});

describe('the dashboard', () => {
  it('has a unique id for each panel, and uses metrics that documentation names', () => {
    const ids = (dashboard.panels as unknown as { readonly id: number }[]).map(({ id }) => id);
    const documented = readFileSync(join(MONITORING, '../../../docs/operations.md'), 'utf8');
    const used = expressions.flatMap(([, expression]) => expression.match(/polytrack_\w+/g) ?? []);

    expect(new Set(ids).size).toBe(ids.length);
    expect(used.filter((name) => !documented.includes(`\`${name.replace(/_bucket$/, '')}`))).toEqual([]);
  });
});
