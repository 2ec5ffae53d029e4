/** Runs the command with wrong arguments, and pins what it prints. */

import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { runCommand } from '../support/run-command.js';
import { createSharedTempDir } from '../support/temp-dir.js';

const home = createSharedTempDir();

/** Commander throws after it has printed, so the output is collected here. */
async function printed(...args: string[]): Promise<string> {
  let text = '';
  const environment = { HOME: home };
  const result = await runCommand(args, { environment, onStderr: (part) => (text += part) }).catch(
    (error) => {
      if (!(error instanceof CommanderError)) throw error;
      return null;
    },
  );
  if (result !== null) expect(result.code).toBe(2);
  return text.replaceAll(home, '~');
}

const WRONG: readonly (readonly [string, readonly string[]])[] = [
  ['an unknown command', ['snyc']],
  ['an unknown flag', ['sync', '.', '--stroe', 's3://b']],
  ['an unknown flag that is like no other', ['sync', '.', '--quuux']],
  ['a flag without its value', ['sync', '.', '--store']],
  ['a missing argument', ['verify']],
  ['too many arguments', ['sync', 'a', 'b']],
  ['no path', ['sync']],
  ['a path without a run', ['sync', `${home}/none`, '--store', 'file:///tmp/x']],
  ['no store', ['sync', home]],
  ['an incomplete store URL', ['sync', home, '--store', 's3:/b']],
  ['an unknown store', ['sync', home, '--store', 'ftp://user:secret@host/x']],
  ['a store URL without a bucket', ['sync', home, '--store', 's3://']],
  ['a setting that is no number', ['sync', home, '--store', 's3://b', '--interval', 'abc']],
  ['a setting that is out of range', ['sync', home, '--store', 's3://b', '--concurrency', '0']],
  ['a URL of no run', ['pull', 's3://b']],
  ['a directory that does not exist', ['inspect', `${home}/none`]],
];

describe('a wrong command line', () => {
  it('is explained', async () => {
    const texts: string[] = [];
    for (const [what, args] of WRONG) texts.push(`# ${what}\n${await printed(...args)}`);

    expect(texts.join('\n')).toMatchInlineSnapshot(`
      "# an unknown command
      ERR_CONFIG: unknown command 'snyc'
        Did you mean sync?
        See https://unpkg.com/polytrack/docs/errors.md#err_config

      # an unknown flag
      ERR_CONFIG: unknown option '--stroe'
        Did you mean --store?
        See https://unpkg.com/polytrack/docs/errors.md#err_config

      # an unknown flag that is like no other
      ERR_CONFIG: unknown option '--quuux'
        Run \`polytrack --help\`, or \`polytrack <command> --help\`, to see the arguments and flags.
        See https://unpkg.com/polytrack/docs/errors.md#err_config

      # a flag without its value
      ERR_CONFIG: option '--store <url>' argument missing
        Run \`polytrack --help\`, or \`polytrack <command> --help\`, to see the arguments and flags.
        See https://unpkg.com/polytrack/docs/errors.md#err_config

      # a missing argument
      ERR_CONFIG: missing required argument 'path'
        Run \`polytrack --help\`, or \`polytrack <command> --help\`, to see the arguments and flags.
        See https://unpkg.com/polytrack/docs/errors.md#err_config

      # too many arguments
      ERR_CONFIG: too many arguments for 'sync'. Expected 1 argument but got 2.
        Run \`polytrack --help\`, or \`polytrack <command> --help\`, to see the arguments and flags.
        See https://unpkg.com/polytrack/docs/errors.md#err_config

      # no path
      ERR_CONFIG: sync needs a path or --all
        Pass one of them: polytrack sync ./plx-runs.
        See https://unpkg.com/polytrack/docs/errors.md#err_config

      # a path without a run
      ERR_NOT_A_RUN: ~/none: the directory does not exist
        Pass a run directory (with run.plx.json) or the root above it (with runs/<uuid>/ directories).
        See https://unpkg.com/polytrack/docs/errors.md#err_not_a_run

      # no store
      ERR_CONFIG: no store is set
        Pass --store s3://bucket/prefix, or set POLYTRACK_STORE.
        See https://unpkg.com/polytrack/docs/errors.md#err_config

      # an incomplete store URL
      ERR_STORE_URL: s3:/b: does not begin with a scheme and "://"
        Write the store URL as s3://bucket/prefix, gs://bucket/prefix, azure://container/prefix, file:///absolute/path or polyaxon://host/owner/project.
        See https://unpkg.com/polytrack/docs/errors.md#err_store_url

      # an unknown store
      ERR_STORE_URL: ftp://…@host/x: no store supports ftp://
        Write the store URL as s3://bucket/prefix, gs://bucket/prefix, azure://container/prefix, file:///absolute/path or polyaxon://host/owner/project.
        See https://unpkg.com/polytrack/docs/errors.md#err_store_url

      # a store URL without a bucket
      ERR_STORE_URL: s3://: the bucket name is missing or malformed
        Write the store URL as s3://bucket/prefix, gs://bucket/prefix, azure://container/prefix, file:///absolute/path or polyaxon://host/owner/project.
        See https://unpkg.com/polytrack/docs/errors.md#err_store_url

      # a setting that is no number
      ERR_CONFIG: --interval: "abc" is not a number
        Use a number of seconds from 0.1 to 3,600.
        See https://unpkg.com/polytrack/docs/errors.md#err_config

      # a setting that is out of range
      ERR_CONFIG: --concurrency: "0" is out of range
        Use a whole number from 1 to 64.
        See https://unpkg.com/polytrack/docs/errors.md#err_config

      # a URL of no run
      ERR_CONFIG: the target directory is missing
        Use the form: polytrack pull s3://bucket/prefix/<run> <directory>.
        See https://unpkg.com/polytrack/docs/errors.md#err_config

      # a directory that does not exist
      ERR_FILE_UNREADABLE: ~/none: cannot be read: ENOENT: no such file or directory, stat '~/none'
        Pass the path of a file or a directory that exists and is readable.
        See https://unpkg.com/polytrack/docs/errors.md#err_file_unreadable
      "
    `);
  });
});
