// Starts Polyaxon's server like `npm run polyaxon`, on a free loopback port.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readCpuMs } from './process-stat.mjs';

const SCRIPT = fileURLToPath(new URL('../../scripts/polyaxon.mjs', import.meta.url));

/** Starts a server with its data in `data`, and creates a project. `cpuMs` returns its processor time; `stop` ends the server and keeps its data. */
export async function startPolyaxonServer({ data, project, port = 0 }) {
  const args = [SCRIPT, '--port', String(port), '--data', data, '--project', project];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  let output = '';
  const url = await new Promise((settle, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        const [, found] = /web page +(\S+)\/ui\//.exec(output) ?? [];
        if (found !== undefined && output.includes('Ctrl-C')) settle(found);
      });
    void closed.then(() => reject(new Error(`the Polyaxon server did not start: ${output}`)));
  });
  const stop = async () => {
    child.kill('SIGTERM');
    await closed;
  };
  return { url, stop, cpuMs: () => sumCpuMs(child.pid) };
}

/** Returns the processor time of a process and of all processes that it has started. */
function sumCpuMs(pid) {
  const { own, ended } = readCpuMs(pid);
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children
    .split(' ')
    .filter((child) => child !== '')
    .reduce((sum, child) => sum + sumCpuMs(Number(child)), own + ended);
}
