import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Diagnostics } from '../../src/base/diagnostics.js';
import {
  ConsoleCapture,
  type ConsoleCaptureOptions,
  encodeLogLine,
} from '../../src/capture/console-capture.js';
import { createMasker } from '../../src/capture/secrets.js';
import { FakeClock } from '../support/fake-clock.js';
import { describeWithPeers, peerPath } from '../support/peers.js';
import { createTempDir } from '../support/temp-dir.js';
import { captureTo, outputOf, readLog, readValues, runProgram, startProgram } from './capture-child.js';

/** Prints values of all types in all ways, and prints the return values. */
const PRINTING = `
  console.log('first', { a: 1 }, [1, 2]);
  console.table([{ a: 1 }]);
  process.stdout.write('no end, ');
  process.stdout.write(Buffer.from('bytes é '));
  process.stdout.write(new Uint8Array([0xf0, 0x9f]));
  process.stdout.write(new Uint8Array([0x99, 0x82, 0x0a]));
  process.stdout.write('686578', 'hex');
  process.stdout.write('caf\\xe9\\n', 'latin1', () => process.stderr.write('called back\\n'));
  process.stdout.write(new Uint8Array([0xff, 0xfe, 0x00, 0x0a]));
  for (let step = 0; step <= 100; step += 10) process.stdout.write('\\r' + step + '%');
  process.stdout.write('\\n\\x1b[32mgreen\\x1b[0m\\n\\n   \\n');
  process.stdout.write('lone \\ud83d surrogate\\n');
  for (const bad of [null, 42]) {
    try { process.stdout.write(bad); } catch (error) { console.log(error.code); }
  }
  const isRoom = process.stdout.write('x'.repeat(200_000) + '\\n');
  await new Promise((resolve) => process.stdout.write('', resolve));
  console.log(isRoom, process.stdout.writableLength);
  process.stdout.cork(); console.log('corked'); process.stdout.uncork();
  console.error('an error');
  console.log('last but one'); process.stdout.write('without an end');
`;

function openCapture(options: Partial<ConsoleCaptureOptions> = {}) {
  const path = join(createTempDir(), 'plxlogs/logs.jsonl');
  const clock = new FakeClock();
  const capture = new ConsoleCapture(path, {
    masker: createMasker({}),
    clock,
    diagnostics: new Diagnostics(),
    ...options,
  });
  onTestFinished(() => capture.close());
  return { capture, clock, path };
}

describe('ConsoleCapture', () => {
  it('changes neither the output of a program nor its exit', async () => {
    const path = join(createTempDir(), 'logs.jsonl');

    const plain = await runProgram(PRINTING);
    const captured = await runProgram(captureTo(path) + PRINTING);

    expect(captured.stdout.equals(plain.stdout)).toBe(true);
    expect(captured.stderr.equals(plain.stderr)).toBe(true);
    expect(captured.code).toBe(0);
  });

  it('logs the visible text of each line that has any', async () => {
    const path = join(createTempDir(), 'plxlogs/logs.jsonl');

    await runProgram(captureTo(path) + PRINTING);

    const values = readValues(path);
    expect(values.filter((value) => value === 'called back')).toHaveLength(1);
    expect(values.filter((value) => value !== 'called back')).toEqual([
      'first { a: 1 } [ 1, 2 ]',
      ...Array.from({ length: 5 }, () => expect.stringMatching(/^[┌│├└]/)),
      'no end, bytes é 🙂',
      'hexcaf\ufffd',
      '\ufffd\ufffd',
      '100%',
      'green',
      'lone \ufffd surrogate',
      'ERR_STREAM_NULL_VALUES',
      'ERR_INVALID_ARG_TYPE',
      expect.stringMatching(/^x{16384}… \(183616 characters more\)$/),
      expect.stringMatching(/^(true|false) 0$/),
      'corked',
      'an error',
      'last but one',
      'without an end',
    ]);
  });

  it('records the time and origin of each line', () => {
    const { capture, clock, path } = openCapture({
      environment: { POLYAXON_K8S_NODE_NAME: 'node-1', POLYAXON_K8S_POD_ID: 'pod-1' },
    });

    capture.log('stdout', 'one');
    clock.seconds += 1.25;
    capture.log('stderr', 'two');
    capture.flush();

    const container = JSON.stringify(hostname());
    expect(readFileSync(path, 'utf8')).toBe(
      `\n{"timestamp":"2023-11-14T22:13:20.000000+00:00","node":"node-1","pod":"pod-1","container":${container},"value":"one"}` +
        `\n{"timestamp":"2023-11-14T22:13:21.250000+00:00","node":"node-1","pod":"pod-1","container":${container},"value":"two"}`,
    );
  });

  it('names the system user outside a cluster', () => {
    const { capture, path } = openCapture({ environment: {} });

    capture.log('stdout', 'one');
    capture.flush();

    expect(readLog(path)[0]).toMatchObject({ node: 'local', pod: userInfo().username });
  });

  it('keeps lines with equal timestamps in order, and accepts a clock that is set back', () => {
    const { capture, clock, path } = openCapture();

    capture.log('stdout', 'one\ntwo\nthree');
    clock.seconds -= 0.5;
    capture.log('stdout', 'four');
    clock.seconds -= 100;
    capture.log('stdout', 'five');
    capture.flush();

    expect(readLog(path).map(({ timestamp }) => timestamp.slice(17, 26))).toEqual([
      ...['20.000000', '20.000001', '20.000002', '20.000003', '39.500000'],
    ]);
  });

  it('flushes a partial line after a period of inactivity', async () => {
    const path = join(createTempDir(), 'logs.jsonl');

    await runProgram(
      `${captureTo(path, 'silenceMs: 50')}
       const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
       process.stdout.write('name? ');
       await wait(200);
       process.stdout.write('Jane');
       process.stdout.write(' Doe\\n');
       process.stdout.write('1%\\r2%\\r'); await wait(200); process.stdout.write('99%\\r'); await wait(200);
       process.stdout.write('100%\\n');`,
    );

    expect(readValues(path)).toEqual(['name?', 'Jane Doe', '100%']);
  });

  it('writes lines to each run of a process while it is open', async () => {
    const directory = createTempDir();
    const path = (name: string) => join(directory, `${name}.jsonl`);

    await runProgram(
      `${captureTo(path('a'))}
       console.log('1');
       process.stdout.write('half ');
       const other = openCapture(${JSON.stringify(path('b'))});
       console.log('2');
       capture.close();
       console.log('3');
       process.stdout.write('4');
       other.close();
       other.close();
       console.log('5', Object.hasOwn(process.stdout, 'write'), Object.hasOwn(process.stderr, 'write'));
       console.log = () => undefined;`,
    ).then(({ stdout }) => expect(stdout.toString()).toBe('1\nhalf 2\n3\n45 false false\n'));

    expect(readValues(path('a'))).toEqual(['1', 'half 2']);
    expect(readValues(path('b'))).toEqual(['2', '3', '4']);
  });

  it('masks secrets that are printed in several chunks', async () => {
    const path = join(createTempDir(), 'logs.jsonl');

    const { stdout } = await runProgram(
      `${captureTo(path)}
       console.log('token', process.env.MY_TOKEN);
       for (const part of ['to', 'ken planted-', 'sec\\x1b[1mret', '-1 end', '\\n']) process.stdout.write(part);
       console.log('-----BEGIN PRIVATE KEY-----\\nMIIEplantedplantedplanted\\nAAAA\\n-----END PRIVATE KEY-----');
       process.env.LATER_PASSWORD = 'planted-later-2';
       console.log('later: planted-later-2');`,
      { MY_TOKEN: 'planted-secret-1' },
    );

    expect(stdout.toString()).toContain('token planted-secret-1\n');
    expect(readValues(path)).toEqual(['token ***', 'token *** end', '***', 'later: ***']);
  });

  it('does not split a secret when it truncates a long line', () => {
    const { capture, path } = openCapture({
      masker: createMasker({ MY_TOKEN: 'planted-secret-1' }),
      maxLineLength: 100,
    });

    for (let length = 80; length < 120; length++) {
      capture.log('stdout', `${'x'.repeat(length)}planted-secret-1 and more`);
    }
    capture.flush();

    const values = readValues(path);
    expect(values.join()).not.toContain('plant');
    expect(values[0]).toBe(`${'x'.repeat(80)}*** and more`);
    expect(values[39]).toBe(`${'x'.repeat(100)}… (31 characters more)`);
  });

  it('limits the memory for a line that does not end', async () => {
    const path = join(createTempDir(), 'logs.jsonl');

    await runProgram(
      `${captureTo(path, 'maxLineLength: 1000')}
       for (let index = 0; index < 50_000; index++) process.stdout.write('0123456789'.repeat(20));
       process.stdout.write(' planted-secret-1\\n');`,
      { MY_TOKEN: 'planted-secret-1' },
    );

    expect(readValues(path)).toEqual([
      expect.stringMatching(/^(?:0123456789){100}… \((?:9999\d{3}|999\d{4}) characters more\)$/),
    ]);
  });

  it.each([
    ['reaches its end', `console.log('one'); process.stdout.write('two');`, 0],
    ['calls process.exit', `console.log('one'); process.stdout.write('two'); process.exit(3);`, 3],
    ['prints while it exits', `console.log('one'); process.on('exit', () => console.log('two'));`, 0],
    [
      'fails',
      `process.once('uncaughtExceptionMonitor', () => capture.log('stderr', 'two')); console.log('one'); throw new Error('x');`,
      1,
    ],
  ])('writes all lines when a program %s', async (_, body, code) => {
    const path = join(createTempDir(), 'logs.jsonl');

    const output = await runProgram(captureTo(path) + body);

    expect(output.code).toBe(code);
    expect(readValues(path)).toEqual(['one', 'two']);
  });

  it('loses at most one interval of output when a program is killed', async () => {
    const path = join(createTempDir(), 'logs.jsonl');
    const child = startProgram(
      `${captureTo(path, 'intervalMs: 50')}
       console.log('one');
       setTimeout(() => console.error('go'), 300);
       setInterval(() => undefined, 1000);`,
    );
    const output = outputOf(child);

    await once(child.stderr!, 'data');
    child.kill('SIGKILL');
    await output;

    expect(readValues(path).slice(0, 1)).toEqual(['one']);
  });

  it('does not keep a program alive', async () => {
    const path = join(createTempDir(), 'logs.jsonl');

    await runProgram(
      `${captureTo(path, 'intervalMs: 3_600_000, silenceMs: 3_600_000')} process.stdout.write('x');`,
    );

    expect(readValues(path)).toEqual(['x']);
  });

  it('does not affect a program that prints to a closed pipe', async () => {
    const path = join(createTempDir(), 'logs.jsonl');
    const body = `process.stdout.on('error', (error) => { process.exitCode = error.code === 'EPIPE' ? 7 : 8; });
      setTimeout(() => { for (let line = 0; line < 1000; line++) console.log('x'.repeat(100)); }, 100);`;
    const run = async (code: string) => {
      const child = startProgram(code);
      child.stdout!.destroy();
      const [exitCode] = await once(child, 'close');
      return exitCode;
    };

    expect(await run(captureTo(path) + body)).toBe(await run(body));
  });

  it('writes nothing for a program that prints nothing', async () => {
    const path = join(createTempDir(), 'plxlogs/logs.jsonl');

    await runProgram(`${captureTo(path)} console.log(''); capture.close();`);

    expect(existsSync(path)).toBe(false);
  });

  it('does not affect a program when its log file cannot be written', async () => {
    const { stdout, code } = await runProgram(
      `${captureTo('/dev/null/plxlogs/logs.jsonl', 'maxWaitingBytes: 1000, intervalMs: 10')}
       for (let line = 0; line < 100; line++) console.log('line', line);
       await new Promise((resolve) => setTimeout(resolve, 50));
       capture.close();
       console.log(capture.lostLines > 50, capture.failure.code);`,
    );

    expect(code).toBe(0);
    expect(stdout.toString()).toMatch(/line 99\ntrue ERR_RUN_WRITE\n$/);
  });
});

describeWithPeers(['polyaxon'], 'a log file', () => {
  it('is read by Polyaxon', async () => {
    const path = join(createTempDir(), 'plxlogs/logs.jsonl');
    const program = `
import json, sys
from traceml.logging import V1Logs
logs = V1Logs.read_jsonl(open(sys.argv[1]).read(), to_structured=True).logs
print(json.dumps([[log.timestamp.isoformat(timespec='microseconds'), log.node, log.pod, log.container, log.value] for log in logs]))
`;
    await runProgram(
      `${captureTo(path)}
       console.log('naïve "日本" 🙂 \\\\ | \\u2028 \\u0085 end');
       console.log('two'); console.log('42'); console.log('{"a":1}');`,
    );

    const { stdout } = await promisify(execFile)(peerPath('polyaxon'), ['-c', program, path]);

    const expected = readLog(path).map(({ timestamp, node, pod, container, value }) => [
      ...[timestamp, node, pod, container, value],
    ]);
    expect(JSON.parse(stdout)).toEqual(expected);
    expect(expected).toHaveLength(4);
  });
});

const ORIGIN = { node: 'local', pod: 'alice', container: 'myhost' };

describe('encodeLogLine', () => {
  it('returns the bytes of the Python client', () => {
    // Output of traceml 1.3.0: V1Logs(logs=[V1Log.process_log_line(…)]).get_jsonl_events().
    const python =
      '\n{"timestamp":"2024-01-02T03:04:05.123456+00:00","node":"local","pod":"alice","container":"myhost","value":"naïve \\"日本\\" 🙂 \\\\ \\t|"}';

    expect(encodeLogLine(ORIGIN, 1_704_164_645_123_456, 'naïve "日本" 🙂 \\ \t|')).toBe(python);
  });

  it.each([
    [0, '1970-01-01T00:00:00.000000+00:00'],
    [1_704_164_645_000_001, '2024-01-02T03:04:05.000001+00:00'],
    [1_704_164_645_999_999, '2024-01-02T03:04:05.999999+00:00'],
    [-1, '1969-12-31T23:59:59.999999+00:00'],
  ])('writes %d µs as %s', (microseconds, expected) => {
    expect(JSON.parse(encodeLogLine(ORIGIN, microseconds, 'x')).timestamp).toBe(expected);
  });

  it('escapes characters that Python treats as line ends', () => {
    const line = encodeLogLine(ORIGIN, 0, 'a\u2028b\u2029c\u0085d');

    expect(line).toContain('a\\u2028b\\u2029c\\u0085d');
    expect(JSON.parse(line).value).toBe('a\u2028b\u2029c\u0085d');
  });
});
