/**
 * The runtimes, module systems, bundlers, test runners and package managers that programs use polytrack with. Each entry installs what it
 * needs from the npm registry beside the packed package, writes its files, and runs its commands.
 */

const NODE = `node-${process.platform}-${process.arch}`;
const NODES = { 20: '20.19.6', 22: '22.23.3', 24: '24.22.3', 26: '26.9.0' };
const DENO = `@deno/${process.platform}-${process.arch}${process.platform === 'linux' ? '-glibc' : ''}`;
const BUN = `@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`;

/** Logs a run of several kinds, reads it back, and prints `ended` if all is well. `sync` in a bundle is rejected. */
const USE = `
  async function use(isBundle = false) {
    const options = { root: 'runs', name: 'used', trackCode: false, collectResources: false };
    const run = new Run(options);
    run.logInputs({ learningRate: 0.1 });
    for (let step = 0; step < 3; step++) run.logMetric('loss', 1 / (step + 1), { step });
    run.logHistogram('weights', [1, 2, 3]);
    run.logImage('image', { pixels: new Uint8Array(12), height: 2, width: 2 });
    run.logVideo('video', { pixels: new Uint8Array(24), count: 2, height: 2, width: 2 });
    run.logText('text', 'works');
    await run.trace('span', {}, async () => 1);
    await run.end();
    const [{ directory, files }] = await listEventFiles(run.paths.tensorboard);
    const reader = new EventFileReader(directory + '/' + files[0]);
    let values = 0;
    for await (const { event } of reader.read()) if (event.what.kind === 'summary') values += event.what.values.length;
    await reader.close();
    let rejected = '';
    try {
      if (isBundle) new Run({ ...options, sync: true });
    } catch (error) {
      rejected = error.code;
    }
    if (run.record.status !== 'succeeded' || values < 6 || (isBundle && rejected !== 'ERR_OPTION_INVALID'))
      throw new Error(JSON.stringify({ status: run.record.status, values, rejected }));
    console.log('ended');
  }
`;
const IMPORT = `import { Run } from 'polytrack';\nimport { EventFileReader, listEventFiles } from 'polytrack/format';\n`;
const REQUIRE = `const { Run } = require('polytrack');\nconst { EventFileReader, listEventFiles } = require('polytrack/format');\n`;
const ESM = `${IMPORT}${USE}await use();\n`;
const CJS = `${REQUIRE}${USE}use();\n`;
const BUNDLED = `${IMPORT}${USE}use(true);\n`;
const TESTED = `${USE}test('a run', async () => { await use(); });\n`;

const TYPED = `
  import { Run, type RunOptions, SummaryWriter, tracking } from 'polytrack';
  import { type DecodedValue, EventFileReader } from 'polytrack/format';
  import { sanitizeName } from 'polytrack/polyaxon';
  import { sync, type SyncReport } from 'polytrack/uploader';
  const options: RunOptions = { root: 'runs', name: 'typed' };
  export const run: Run = new Run(options);
  export const all: readonly unknown[] = [SummaryWriter, tracking, EventFileReader, sanitizeName('a/b'), sync];
  export type Used = DecodedValue | SyncReport;
  // @ts-expect-error a metric is a number
  run.logMetric('loss', '0.5');
`;
/** Jest's default transform; without this preset it only accepts `require`. */
const BABEL = `module.exports = { presets: [['@babel/preset-env', { targets: { node: 'current' } }]] };`;

const compile = (version) => ({
  name: `TypeScript ${version} with nodenext, node16 and bundler`,
  install: [`typescript@${version}`, '@types/node@20'],
  files: { 'main.mts': TYPED, 'main.cts': TYPED, 'main.ts': TYPED },
  run: [
    ['nodenext', 'nodenext', 'main.mts', 'main.cts'],
    ['node16', 'node16', 'main.mts', 'main.cts'],
    ['esnext', 'bundler', 'main.ts'],
  ].map(([module, resolution, ...files]) =>
    [
      'node',
      'node_modules/typescript/bin/tsc',
      '--noEmit',
      '--strict',
      '--target',
      'es2022',
      '--types',
      'node',
    ]
      .concat(['--lib', 'es2023,esnext.disposable', '--module', module, '--moduleResolution', resolution])
      .concat(files),
  ),
  prints: '',
});

const bundle = (name, install, build, outputs, files = {}) => ({
  name: `bundle of ${name}`,
  install,
  files: { 'program.mjs': BUNDLED, ...files },
  run: [
    ...build,
    // The bundle runs in a directory without node_modules.
    ...outputs.flatMap((output) => [
      ['node', '--input-type=module', '-e', MOVE, output],
      ['node', `../moved/${output}`],
    ]),
  ],
});
/** Some bundlers write the place of a module into the bundle, where the package must not be found. */
const MOVE = `
  import { cpSync, existsSync, renameSync } from 'node:fs';
  cpSync(process.argv[1], '../moved/' + process.argv[1], { recursive: true });
  if (existsSync('node_modules')) renameSync('node_modules', 'removed');`;

const WORKERS = `${IMPORT}${USE}
  import { Worker, isMainThread } from 'node:worker_threads';
  import { once } from 'node:events';
  await use();
  if (isMainThread) {
    const worker = new Worker(new URL(import.meta.url));
    const [code] = await once(worker, 'exit');
    if (code !== 0) throw new Error('worker: exit code ' + code);
  }
`;
const CLUSTER = `${IMPORT}
  import cluster from 'node:cluster';
  import { once } from 'node:events';
  const options = { root: 'runs', uuid: 'c'.repeat(32), trackCode: false, collectResources: false };
  if (cluster.isPrimary) {
    const run = new Run(options);
    for (const id of [1, 2]) {
      const [code] = await once(cluster.fork({ ID: String(id) }), 'exit');
      if (code !== 0) throw new Error('worker: exit code ' + code);
    }
    run.logMetric('loss', 1, { step: 0 });
    await run.end();
    if (run.record.status === 'succeeded') console.log('ended');
  } else {
    const run = new Run({ ...options, worker: 'worker-' + process.env.ID });
    run.logMetric('loss', 1, { step: 0 });
    await run.end();
    process.exit(0);
  }
`;
const FROZEN = `${IMPORT}
  const run = new Run({ root: 'runs', uuid: 'f'.repeat(32), trackCode: false, collectResources: false });
  process.on('message', async (step) => {
    if (step === 'end') {
      await run.end();
      console.log(run.record.status === 'succeeded' ? 'ended' : run.record.status);
      return process.disconnect();
    }
    run.logMetric('loss', step, { step });
    await run.flush();
    process.send(step);
  });
`;
/** Invokes the program as Lambda does: between two invocations the process is frozen, for longer than its timers. */
const FREEZE = `
  import { fork } from 'node:child_process';
  import { once } from 'node:events';
  import { setTimeout } from 'node:timers/promises';
  const child = fork('frozen.mjs', { stdio: 'inherit' });
  for (let step = 0; step < 3; step++) {
    child.send(step);
    await once(child, 'message');
    child.kill('SIGSTOP');
    await setTimeout(3000);
    child.kill('SIGCONT');
  }
  child.send('end');
  const [code] = await once(child, 'exit');
  process.exit(code);
`;

export const COMBINATIONS = [
  {
    name: `Node.js ${Object.keys(NODES).join(', ')}`,
    install: Object.values(NODES).map((version, i) => `node-${i}@npm:${NODE}@${version}`),
    files: { 'esm.mjs': ESM, 'cjs.cjs': CJS },
    run: Object.keys(NODES).flatMap((_, i) =>
      ['esm.mjs', 'cjs.cjs'].map((program) => [`node_modules/node-${i}/bin/node`, program]),
    ),
  },
  compile('5'),
  compile('7'),
  {
    name: 'Jest',
    install: ['jest@30', '@babel/preset-env@7'],
    files: {
      'require.test.js': REQUIRE + TESTED,
      'import.test.js': IMPORT + TESTED,
      'babel.config.js': BABEL,
    },
    run: [['node', 'node_modules/jest/bin/jest.js']],
    prints: '',
  },
  {
    name: 'Vitest',
    install: ['vitest@4'],
    files: { 'run.test.mjs': `import { test } from 'vitest';\n${IMPORT}${TESTED}` },
    run: [['node', 'node_modules/vitest/vitest.mjs', 'run']],
    prints: '1 passed',
  },
  bundle('esbuild', ['esbuild@0.28'], [['node', 'build.mjs']], ['out.mjs', 'out.cjs'], {
    'build.mjs': `
        import { build } from 'esbuild';
        for (const [format, outfile] of [['esm', 'out.mjs'], ['cjs', 'out.cjs']])
          await build({ entryPoints: ['program.mjs'], bundle: true, platform: 'node', format, outfile });`,
  }),
  bundle(
    'Vite',
    ['vite@7'],
    [['node', 'node_modules/vite/bin/vite.js', 'build', '--ssr', 'program.mjs', '--outDir', 'out']],
    ['out/program.mjs'],
    { 'vite.config.mjs': `export default { ssr: { noExternal: true }, logLevel: 'error' };` },
  ),
  bundle(
    'webpack, production',
    ['webpack@5', 'webpack-cli@6'],
    [['node', 'node_modules/webpack-cli/bin/cli.js']],
    ['out.js'],
    {
      'webpack.config.cjs': `module.exports = { mode: 'production', target: 'node', entry: './program.mjs', output: { path: __dirname, filename: 'out.js' } };`,
    },
  ),
  bundle(
    'Rollup',
    ['rollup@4', '@rollup/plugin-node-resolve@16', '@rollup/plugin-commonjs@29', '@rollup/plugin-json@6'],
    [['node', 'node_modules/rollup/dist/bin/rollup', '-c', '--silent']],
    ['out.mjs'],
    {
      'rollup.config.mjs': `
        import commonjs from '@rollup/plugin-commonjs';
        import json from '@rollup/plugin-json';
        import resolve from '@rollup/plugin-node-resolve';
        export default { input: 'program.mjs', output: { file: 'out.mjs', format: 'es', inlineDynamicImports: true }, plugins: [resolve({ preferBuiltins: true }), commonjs(), json()] };`,
    },
  ),
  {
    name: 'Bun',
    install: [BUN],
    files: { 'esm.mjs': ESM, 'cjs.cjs': CJS },
    run: [
      [`node_modules/${BUN}/bin/bun`, 'esm.mjs'],
      [`node_modules/${BUN}/bin/bun`, 'cjs.cjs'],
    ],
  },
  {
    name: 'Deno',
    install: [DENO],
    files: { 'esm.mjs': ESM },
    run: [[`node_modules/${DENO}/deno`, 'run', '-A', 'esm.mjs']],
  },
  {
    name: 'pnpm',
    install: ['pnpm@10'],
    files: { 'app/package.json': '{ "private": true }', 'app/esm.mjs': ESM },
    run: [
      ['node', 'node_modules/pnpm/bin/pnpm.cjs', '--dir', 'app', 'add', '--ignore-workspace', '{tarball}'],
      ['node', 'app/esm.mjs'],
    ],
  },
  {
    name: "Yarn's Plug'n'Play",
    install: ['@yarnpkg/cli-dist@4'],
    files: {
      'app/package.json': '{ "private": true, "dependencies": { "polytrack": "file:{tarball}" } }',
      'app/.yarnrc.yml': 'nodeLinker: pnp\nenableImmutableInstalls: false\nenableTelemetry: false\n',
      'app/yarn.lock': '',
      'app/cjs.cjs': CJS,
      'app/esm.mjs': ESM,
    },
    run: [
      ['node', 'node_modules/@yarnpkg/cli-dist/bin/yarn.js', '--cwd', 'app', 'install'],
      ['node', 'node_modules/@yarnpkg/cli-dist/bin/yarn.js', '--cwd', 'app', 'node', 'cjs.cjs'],
      ['node', 'node_modules/@yarnpkg/cli-dist/bin/yarn.js', '--cwd', 'app', 'node', 'esm.mjs'],
    ],
  },
  { name: 'worker threads', install: [], files: { 'workers.mjs': WORKERS }, run: [['node', 'workers.mjs']] },
  { name: 'cluster', install: [], files: { 'cluster.mjs': CLUSTER }, run: [['node', 'cluster.mjs']] },
  {
    name: 'a process that is frozen between invocations',
    install: [],
    files: { 'frozen.mjs': FROZEN, 'freeze.mjs': FREEZE },
    run: [['node', 'freeze.mjs']],
  },
];
