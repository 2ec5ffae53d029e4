/**
 * Runs git commands that read a repository. They never change it, prompt the user, or run past a deadline.
 *
 * Git runs without locks, prompts, network (partial clones would fetch), hooks, file system monitor, pager, and external diff
 * programs. Filters that a repository configures, such as for large files, do run: without them its files look changed.
 */

import type { ChildProcess } from 'node:child_process';
import { devNull } from 'node:os';
import { startProgram } from '../base/child-process.js';
import { messageOf } from '../base/errors.js';

/** The result of a git command. A failure is a value, so that a capture can continue without it. */
export type GitResult = { readonly stdout: Buffer; readonly totalBytes: number } & (
  | { readonly status: 'done' }
  | { readonly status: 'failed'; readonly message: string }
);

/** Runs git in one directory; all commands share one deadline. */
export interface Git {
  /** Keeps the first `maxBytes` of the output and counts the rest. Never rejects. */
  run(
    args: readonly string[],
    options?: { readonly maxBytes?: number; readonly indexFile?: string },
  ): Promise<GitResult>;
  /** Cancels the deadline. */
  close(): void;
}

const DEFAULT_MAX_BYTES = 64 * 1024;
const MAX_ERROR_BYTES = 4096;
/** Time after SIGTERM until a process is killed with SIGKILL. */
const KILL_AFTER_MS = 2000;

/** These settings override the user's. Source: git-config(1). */
const SETTINGS = [
  ...['core.fsmonitor=false', `core.hooksPath=${devNull}`, 'core.pager=cat', 'protocol.allow=never'],
  ...['submodule.recurse=false', 'diff.relative=false', 'diff.noprefix=false', 'diff.mnemonicPrefix=false'],
];

/** Variables that would make git use another repository or change its output. Source: git rev-parse --local-env-vars. */
const REPOSITORY_VARIABLES = [
  ...['GIT_DIR', 'GIT_WORK_TREE', 'GIT_INDEX_FILE', 'GIT_COMMON_DIR', 'GIT_OBJECT_DIRECTORY', 'GIT_PREFIX'],
  ...['GIT_ALTERNATE_OBJECT_DIRECTORIES', 'GIT_NAMESPACE', 'GIT_GRAFT_FILE', 'GIT_SHALLOW_FILE'],
  ...['GIT_EXTERNAL_DIFF', 'GIT_DIFF_OPTS', 'GIT_PAGER', 'LANGUAGE'],
];

export function openGit(
  directory: string,
  options: { readonly environment: NodeJS.ProcessEnv; readonly deadlineMs: number },
): Git {
  const env = toGitEnvironment(options.environment);
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), options.deadlineMs);
  return {
    run: (args, { maxBytes = DEFAULT_MAX_BYTES, indexFile } = {}) =>
      runGit(args, {
        directory,
        env: indexFile === undefined ? env : { ...env, GIT_INDEX_FILE: indexFile },
        maxBytes,
        deadline: deadline.signal,
        deadlineMs: options.deadlineMs,
      }),
    close: () => clearTimeout(timer),
  };
}

function toGitEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...environment };
  for (const name of REPOSITORY_VARIABLES) delete env[name];
  return {
    ...env,
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_ALLOW_PROTOCOL: 'none',
    // The caller recognizes messages by their English text.
    LC_ALL: 'C',
  };
}

interface GitRun {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly maxBytes: number;
  readonly deadline: AbortSignal;
  readonly deadlineMs: number;
}

function runGit(args: readonly string[], run: GitRun): Promise<GitResult> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let keptBytes = 0;
    let totalBytes = 0;
    let errorText = '';
    let child: ChildProcess | undefined;
    const settle = (message: string | undefined): void => {
      run.deadline.removeEventListener('abort', onDeadline);
      const stdout = Buffer.concat(chunks);
      const result = { stdout, totalBytes };
      resolve(
        message === undefined ? { status: 'done', ...result } : { status: 'failed', message, ...result },
      );
    };
    const onDeadline = (): void => {
      settle(`git ${args[0]} took longer than ${run.deadlineMs} ms`);
      if (child !== undefined) stop(child);
    };
    if (run.deadline.aborted) {
      onDeadline();
      return;
    }
    child = startProgram(
      'git',
      ['--no-pager', ...SETTINGS.flatMap((setting) => ['-c', setting]), ...args],
      { cwd: run.directory, env: run.env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true },
      (cause) => settle(`git could not be started: ${messageOf(cause)}`),
    );
    if (child === undefined) return;
    run.deadline.addEventListener('abort', onDeadline);
    child.stdout?.on('data', (chunk: Buffer) => {
      totalBytes += chunk.length;
      const kept = chunk.subarray(0, run.maxBytes - keptBytes);
      keptBytes += kept.length;
      if (kept.length > 0) chunks.push(kept);
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      if (errorText.length < MAX_ERROR_BYTES) errorText += chunk.toString('utf8');
    });
    child.on('close', (code, signal) => {
      settle(
        code === 0 ? undefined : `git ${args[0]}: ${firstLine(errorText) || `ended with ${code ?? signal}`}`,
      );
    });
  });
}

function stop(child: ChildProcess): void {
  child.stdout?.destroy();
  child.stderr?.destroy();
  child.unref();
  child.kill();
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS).unref();
  child.on('exit', () => clearTimeout(timer));
}

/** Returns the line with the error, because warnings may precede it. */
function firstLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return (lines.find((line) => /^(?:fatal|error):/.test(line)) ?? lines[0] ?? '').slice(0, 500);
}
