import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);
const TIMEOUT_MS = 280_000;

/** Packs the built package into `directory`. Returns the path of the tarball. */
export async function packRepository(repository, directory) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', directory];
  const { stdout } = await exec('npm', args, { cwd: repository });
  return join(directory, JSON.parse(stdout)[0].filename);
}

/** Installs and runs one combination in `directory`, which is empty. Rejects with the output of the command that fails. */
export async function tryCombination({ install, files, run, prints = 'ended' }, tarball, directory) {
  const cwd = join(directory, 'project');
  mkdirSync(cwd, { recursive: true });
  mkdirSync(join(directory, 'moved'));
  writeFileSync(join(cwd, 'package.json'), '{ "private": true }\n');
  const fill = (text) => text.replaceAll('{tarball}', tarball);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(cwd, name)), { recursive: true });
    writeFileSync(join(cwd, name), fill(text));
  }
  const env = { ...process.env, NODE_ENV: '', NODE_OPTIONS: '', XDG_STATE_HOME: join(directory, 'state') };
  for (const name of Object.keys(env)) if (/^(?:VITEST|JEST|npm_)/.test(name)) delete env[name];
  const call = async (command, args) => {
    try {
      const { stdout, stderr } = await exec(command, args, { cwd, env, timeout: TIMEOUT_MS });
      return stdout + stderr;
    } catch (error) {
      const text = [command, ...args].join(' ').slice(0, 200);
      throw new Error(
        `${text}: ${error.message.slice(0, 500)}\n${error.stdout}\n${error.stderr}`.slice(0, 4000),
      );
    }
  };
  // Packages that run code when they are installed would download binaries.
  await call('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', tarball, ...install]);
  let output = '';
  for (const [command, ...args] of run) {
    output = await call(command === 'node' ? process.execPath : join(cwd, command), args.map(fill));
  }
  if (!output.includes(prints)) throw new Error(`printed ${output.slice(0, 2000)}, expected ${prints}`);
}
