// Installs the real programs that the tests run against (the peers), at pinned versions, in a private directory:
//
//   npm run peers                            all peers; fails if one cannot be installed
//   npm run peers -- --if-possible           reports peers that cannot be installed, and continues
//   npm run peers -- --only tensorboard,s3   only the named peers
//
// POLYTRACK_POLYAXON_PEER=polyaxon-newest selects the newest versions of Polyaxon's packages, for the installation and for the tests that use them.
//
// The peers of the benchmarks (bench/…) are installed only when named, because no test needs them and they take gigabytes. Tests need one of
// them, tensorboardX, which is small.
//
// The directory is .peers/ in the repository, or POLYTRACK_PEERS_DIR. A stamp marks an installed peer, so that the next run skips it.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { peersDirectory, polyaxonPeer } from './peers-directory.mjs';

const run = promisify(execFile);

/** The stamp contains everything that determines the installation, so that a change reinstalls the peer. */
const TENSORBOARD_PACKAGES = [
  'tensorboard==2.21.0',
  'tensorboard-data-server==0.7.2',
  'setuptools==80.9.0',
  'boto3==1.44.5',
];
/** Polyaxon's client, tracking library, viewer and server, and the libraries whose objects they log. */
const POLYAXON = {
  polyaxon: {
    packages: ['polyaxon==2.16.4', 'traceml==1.3.0', 'haupt[sandbox]==2.16.1'],
    constraints: 'polyaxon-constraints.txt',
  },
  'polyaxon-newest': {
    packages: ['polyaxon==2.18.0', 'traceml==1.5.0', 'haupt[sandbox]==2.18.0'],
    constraints: 'polyaxon-newest-constraints.txt',
  },
};
/** Libraries whose objects Polyaxon's tracking library logs. */
const LOGGED_LIBRARIES = ['numpy', 'pandas', 'pillow', 'plotly', 'scikit-learn'];
const VERSITYGW = 'github.com/versity/versitygw/cmd/versitygw@v1.8.0';
/** Peers of the benchmarks, each in a separate environment, because TensorBoard's writers work differently when TensorFlow is installed. */
const BENCH_PACKAGES = {
  // For Linux on x86-64, PyPI has only builds that need the GPU libraries.
  'bench/pytorch': [
    ...['torch==2.15.0', 'tensorboard==2.21.0', 'setuptools==80.9.0'],
    ...['numpy==2.4.6', 'pillow==13.0.0', 'protobuf==7.36.2'],
  ],
  // With the native CRC, which tensorboardX uses if it is installed.
  'bench/tensorboardx': [
    ...['tensorboardX==2.6.5', 'crc32c==2.9.post0', 'numpy==2.4.6', 'pillow==13.0.0', 'protobuf==7.36.2'],
  ],
  'bench/tensorflow': [
    ...['tensorflow-cpu==2.21.0', 'tensorboard==2.21.0', 'setuptools==80.9.0'],
    ...['numpy==2.4.6', 'protobuf==7.36.2'],
  ],
};
/** Modules that are imported once, to compile them. */
const BENCH_IMPORTS = {
  'bench/pytorch': 'torch.utils.tensorboard',
  'bench/tensorboardx': 'tensorboardX',
  'bench/tensorflow': 'tensorflow',
};
/** A second S3 server, which shares no code with the first and supports much less. */
const MOTO_PACKAGES = ['moto[server]==5.2.1', 'setuptools==80.9.0'];
/** The last version that runs on Node.js 20. */
const AZURITE = 'azurite@3.35.0';
const FAKE_GCS_SERVER = 'github.com/fsouza/fake-gcs-server@v1.56.1';
/** polytrack's program around fake-gcs-server. */
const GCS_EMULATOR = fileURLToPath(new URL('gcs-emulator/main.go', import.meta.url));
const RCLONE = 'github.com/rclone/rclone@v1.76.0';
/** The program that selects which parts of rclone are compiled. */
const RCLONE_PARTS = fileURLToPath(new URL('rclone/main.go', import.meta.url));
/** The part of rclone that serves a directory as S3. */
const RCLONE_S3_PARTS = fileURLToPath(new URL('rclone-s3/main.go', import.meta.url));
const GOFAKES3 = 'github.com/johannesboyne/gofakes3/cmd/gofakes3@v1.2.0';
/** polytrack's program around the code that defines Kubernetes' objects, Pod Security, and Grafana's dashboards. */
const KUBERNETES = fileURLToPath(new URL('kubernetes/main.go', import.meta.url));
const KUBERNETES_MODULES = [
  'k8s.io/pod-security-admission@v0.34.4',
  'github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring@v0.85.0',
  'sigs.k8s.io/kustomize/api@v0.20.1',
  'github.com/grafana/grafana-foundation-sdk/go@v0.0.22',
];
/** Versions of the npm packages with Node's binaries, one per platform. */
const NODE_VERSIONS = { 20: '20.19.0', 22: '22.23.3', 24: '24.21.0' };

const PEERS = {
  tensorboard: { version: TENSORBOARD_PACKAGES.join(' '), setUp: setUpTensorBoard },
  ...Object.fromEntries(
    Object.entries(POLYAXON).map(([name, versions]) => [name, toPolyaxonPeer(name, versions)]),
  ),
  s3: { version: VERSITYGW, setUp: (directory) => installWithGo(directory, VERSITYGW) },
  moto: { version: MOTO_PACKAGES.join(' '), setUp: setUpMoto },
  azurite: { version: AZURITE, setUp: setUpAzurite },
  gcs: { version: `${FAKE_GCS_SERVER} in ${hashOf(GCS_EMULATOR)}`, setUp: setUpGcsEmulator },
  'rclone-s3': {
    version: `${RCLONE} with the parts ${hashOf(RCLONE_S3_PARTS)}`,
    setUp: (directory) => buildWithGo(directory, { name: 'rclone', source: RCLONE_S3_PARTS, module: RCLONE }),
  },
  kubernetes: {
    version: `${KUBERNETES_MODULES.join(' ')} in ${hashOf(KUBERNETES)}`,
    setUp: (directory) =>
      buildWithGo(directory, { name: 'kubernetes', source: KUBERNETES, modules: KUBERNETES_MODULES }),
  },
  gofakes3: { version: GOFAKES3, setUp: (directory) => installWithGo(directory, GOFAKES3) },
  'bench/rclone': {
    version: `${RCLONE} with the parts ${hashOf(RCLONE_PARTS)}`,
    isOnDemand: true,
    setUp: (directory) => buildWithGo(directory, { name: 'rclone', source: RCLONE_PARTS, module: RCLONE }),
  },
  ...Object.fromEntries(
    Object.entries(NODE_VERSIONS).map(([major, version]) => [
      `node-${major}`,
      { version, setUp: (directory) => setUpNode(directory, version) },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(BENCH_PACKAGES).map(([name, packages]) => [
      name,
      {
        version: packages.join(' '),
        isOnDemand: name !== 'bench/tensorboardx',
        setUp: (directory) => setUpBenchPeer(directory, packages, BENCH_IMPORTS[name]),
      },
    ]),
  ),
};

const flags = parseFlags(process.argv.slice(2));
const directory = peersDirectory();
const wanted = Object.entries(PEERS).filter(([name, { isOnDemand }]) =>
  flags.only === undefined ? !isOnDemand : flags.only.includes(name),
);
let failed = 0;
// A few at a time: some wait for a registry while others compile.
await Promise.all(
  Array.from({ length: 3 }, async () => {
    for (let next = wanted.shift(); next !== undefined; next = wanted.shift())
      if (!(await isSetUp(...next))) failed++;
  }),
);
if (failed > 0 && !flags.ifPossible) process.exitCode = 1;

async function isSetUp(name, { version, setUp }) {
  const home = join(directory, name);
  const stamp = join(home, 'stamp');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === version) {
    console.log(`peer ${name}: ready`);
    return true;
  }
  console.log(`peer ${name}: installing ${version}`);
  rmSync(home, { recursive: true, force: true });
  mkdirSync(home, { recursive: true });
  try {
    await setUp(home);
    writeFileSync(stamp, version);
    console.log(`peer ${name}: ready`);
    return true;
  } catch (error) {
    const reason = String(error.stderr || error.message)
      .trim()
      .split('\n')
      .slice(-3)
      .join(' | ');
    console.log(`peer ${name}: unavailable (${reason})`);
    return false;
  }
}

async function setUpTensorBoard(home) {
  const python = join(home, 'venv', 'bin', 'python');
  await run('python3', ['-m', 'venv', join(home, 'venv')]);
  await run(python, [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    ...TENSORBOARD_PACKAGES,
  ]);
  // Compile the modules now; otherwise, the first start of TensorBoard is several times slower.
  await run(python, [
    '-c',
    'import tensorboard.main, tensorboard.backend.event_processing.event_file_loader',
  ]);
}

function toPolyaxonPeer(name, { packages, constraints }) {
  const path = fileURLToPath(new URL(constraints, import.meta.url));
  const all = [...packages, ...LOGGED_LIBRARIES];
  return {
    version: `${all.join(' ')} with constraints ${hashOf(path)}`,
    isOnDemand: name !== polyaxonPeer(),
    setUp: (home) => setUpPolyaxon(home, all, path),
  };
}

async function setUpPolyaxon(home, packages, constraints) {
  const python = join(home, 'venv', 'bin', 'python');
  await run('python3', ['-m', 'venv', join(home, 'venv')]);
  // Most of the 700 MB is never imported, and compiling everything would take a minute.
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile'];
  await run(python, [...install, '--constraint', constraints, ...packages]);
  // Compile the imported modules: the client, tracking, and, by running its migrations on a temporary database, the server.
  // An empty PYTHONDONTWRITEBYTECODE turns the variable off.
  const env = { ...process.env, HOME: home, POLYAXON_HOME: home, PYTHONDONTWRITEBYTECODE: '' };
  await run(python, ['-c', 'import traceml.tracking, polyaxon.client, plotly.tools, sklearn.metrics'], {
    env,
  });
  const haupt = join(home, 'venv', 'bin', 'haupt');
  await run(haupt, ['manage', '--path', join(home, 'warm-up'), '-c', 'migrate'], { env });
  for (const name of ['warm-up', '.polyaxon']) rmSync(join(home, name), { recursive: true, force: true });
}

async function setUpBenchPeer(home, packages, imported) {
  const python = join(home, 'venv', 'bin', 'python');
  await run('python3', ['-m', 'venv', join(home, 'venv')]);
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile'];
  await run(python, [...install, ...packages]);
  await run(python, ['-c', `import ${imported}`], { env: { ...process.env, PYTHONDONTWRITEBYTECODE: '' } });
}

async function setUpMoto(home) {
  const python = join(home, 'venv', 'bin', 'python');
  await run('python3', ['-m', 'venv', join(home, 'venv')]);
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-compile'];
  await run(python, [...install, ...MOTO_PACKAGES]);
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '' };
  await run(python, ['-c', 'import moto.server, moto.s3.responses'], { env });
}

async function setUpAzurite(home) {
  const install = ['install', '--prefix', home, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', [...install, AZURITE], { shell: process.platform === 'win32' });
}

function setUpGcsEmulator(home) {
  return buildWithGo(home, { name: 'gcs-emulator', source: GCS_EMULATOR, module: FAKE_GCS_SERVER });
}

/** Builds a program from one source file and the modules that it uses. */
async function buildWithGo(home, { name, source, module, modules = [module] }) {
  copyFileSync(source, join(home, 'main.go'));
  await runGo(home, ['mod', 'init', name]);
  await runGo(home, ['get', ...modules]);
  await runGo(home, ['build', '-p', '2', '-mod=mod', '-o', name, '.']);
}

function installWithGo(home, program) {
  return runGo(home, ['install', '-p', '2', program]);
}

function runGo(home, args) {
  const toolchain = process.env.GOTOOLCHAIN ?? 'auto';
  return run('go', args, {
    cwd: home,
    env: { ...process.env, GOBIN: home, CGO_ENABLED: '0', GOTOOLCHAIN: toolchain },
    maxBuffer: 64 * 1024 * 1024,
  });
}

async function setUpNode(home, version) {
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
  const install = ['install', '--prefix', home, '--no-save', '--no-audit', '--no-fund', `${name}@${version}`];
  await run('npm', install, { shell: process.platform === 'win32' });
  await run(join(home, 'node_modules', name, 'bin', 'node'), ['--version']);
}

/** Returns a hash of a file without the lines that begin with `#`. */
function hashOf(path) {
  const packages = readFileSync(path, 'utf8').replace(/^#.*\n/gm, '');
  return createHash('sha256').update(packages).digest('hex').slice(0, 8);
}

function parseFlags(args) {
  const only = args.indexOf('--only');
  const parsed = {
    ifPossible: args.includes('--if-possible'),
    only: only === -1 ? undefined : (args[only + 1] ?? '').split(','),
  };
  const unknown = parsed.only?.filter((name) => !(name in PEERS)) ?? [];
  if (unknown.length > 0) throw new Error(`unknown peers ${unknown}; expected some of ${Object.keys(PEERS)}`);
  return parsed;
}
