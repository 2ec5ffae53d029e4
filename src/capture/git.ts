/**
 * Captures the code version of a run: the commit, and the differences between it and the files.
 */

import { isUtf8 } from 'node:buffer';
import { constants, existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { messageOf } from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import { type Git, type GitResult, openGit } from './git-command.js';
import type { Masker } from './secrets.js';

export interface GitCapture {
  /** Full hash; null before the first commit, and when git fails. */
  readonly commit: string | null;
  /** Null when no branch is checked out. */
  readonly branch: string | null;
  /** URL of `origin`, or of the first remote, without credentials. */
  readonly remoteUrl: string | null;
  /** Whether tracked files differ from the commit, staged or not. Null when git fails. */
  readonly isDirty: boolean | null;
  /** Number of untracked files that are not ignored. A directory with only untracked files counts as one. Null when git fails. */
  readonly untrackedCount: number | null;
  /**
   * Differences of tracked files from the commit, for `git apply`, with secrets masked. Names binary files only. Null without a
   * difference, and when git fails.
   */
  readonly diff: Uint8Array | null;
  /** Length of the whole diff, also when `diff` is truncated. */
  readonly diffBytes: number;
  readonly isDiffCut: boolean;
  /** Error messages of git commands that failed. */
  readonly problems: readonly string[];
}

interface GitCaptureOptions {
  /** Longer diffs are truncated, between files where possible. Default 1 MiB, which takes 30 ms to mask. */
  readonly maxDiffBytes?: number | undefined;
  /** Deadline of the whole capture, which then returns what it has so far. Default 10 s. */
  readonly deadlineMs?: number | undefined;
  /** Default: the environment of the process. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

const URL_PARTS = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/]*)@)?([^?#]*)/i;
/** Matches `git@host:path`, git's short form of an SSH URL. Source: git-clone(1), "GIT URLS". */
const SSH_SHORT_FORM = /^([^@/\s:]+)@([^:/\s]+):(?!\/\/)(.+)$/;
const DEFAULT_MAX_DIFF_BYTES = 1024 * 1024;
const DEFAULT_DEADLINE_MS = 10_000;
const MAX_STATUS_BYTES = 16 * 1024 * 1024;

const DIFF = [
  ...['diff', '--no-color', '--no-ext-diff', '--no-textconv', '--submodule=short'],
  ...['--src-prefix=a/', '--dst-prefix=b/'],
];

/** Captures the state of the repository that contains `directory`; undefined when none does. Never rejects. */
export async function captureGit(
  directory: string,
  masker: Masker,
  options: GitCaptureOptions = {},
): Promise<GitCapture | undefined> {
  if (!existsSync(directory)) return undefined;
  const git = openGit(directory, {
    environment: options.environment ?? process.env,
    deadlineMs: options.deadlineMs ?? DEFAULT_DEADLINE_MS,
  });
  try {
    return await capture(git, directory, masker, options.maxDiffBytes ?? DEFAULT_MAX_DIFF_BYTES);
  } finally {
    git.close();
  }
}

/**
 * Returns the summary of a code reference in Polyaxon's lineage, named by its commit; undefined without a commit.
 *
 * Source of keys: clipped 0.11, `utils/git.py` (`get_code_reference`, `get_code_reference_all`): `branch` is `HEAD` when no branch
 * is checked out, `url` is empty without a remote.
 */
export function toCodeReference(
  capture: GitCapture,
): { readonly commit: string; readonly [key: string]: JsonValue } | undefined {
  if (capture.commit === null) return undefined;
  return {
    commit: capture.commit,
    branch: capture.branch ?? 'HEAD',
    url: capture.remoteUrl === null ? '' : toBrowserUrl(capture.remoteUrl),
    ...(capture.isDirty !== null && { is_dirty: capture.isDirty }),
  };
}

async function capture(
  git: Git,
  directory: string,
  masker: Masker,
  maxDiffBytes: number,
): Promise<GitCapture | undefined> {
  const root = await git.run(['rev-parse', '--show-toplevel']);
  if (root.status === 'failed' && isNoRepository(root.message, directory)) return undefined;
  const problems: string[] = [];
  const check = (result: GitResult): GitResult => {
    if (result.status === 'failed') problems.push(masker.maskText(result.message));
    return result;
  };
  if (check(root).status === 'failed') return { ...NOTHING, problems };

  // The first two fail in ordinary cases: a repository without a commit, a checkout without a branch.
  const [head, branch, remotes, status] = await Promise.all([
    git.run(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']),
    git.run(['symbolic-ref', '--quiet', '--short', 'HEAD']),
    git.run(['config', '--get-regexp', '^remote\\..*\\.url$']),
    git.run(['status', '--porcelain=v2', '-z', '--untracked-files=normal'], { maxBytes: MAX_STATUS_BYTES }),
  ]);
  const commit = textOf(head);
  const remoteUrl = findRemote(textOf(remotes));
  const changes = parseStatus(check(status));
  const diff = changes.isDirty === false ? NO_DIFF : await captureDiff(git, directory, commit, maxDiffBytes);
  if (diff !== NO_DIFF) check(diff);
  return {
    commit,
    branch: textOf(branch),
    remoteUrl: remoteUrl === null ? null : masker.maskText(stripCredentials(remoteUrl)),
    ...changes,
    ...toDiff(diff, masker, maxDiffBytes),
    problems,
  };
}

const NO_DIFF: GitResult = { status: 'done', stdout: Buffer.alloc(0), totalBytes: 0 };

/** Runs `git diff` on a copy of the index, because it writes the index when a file has a new date but unchanged content. */
async function captureDiff(
  git: Git,
  directory: string,
  commit: string | null,
  maxBytes: number,
): Promise<GitResult> {
  const index = await git.run(['rev-parse', '--git-path', 'index']);
  const path = textOf(index);
  if (path === null) return index;
  let copies: string | undefined;
  try {
    // Other users of the host can list the temporary directory, but not read this one.
    copies = await mkdtemp(join(tmpdir(), 'polytrack-index-'));
    const indexFile = join(copies, 'index');
    const indexPath = resolve(directory, path);
    // Git treats a missing index as an empty one.
    if (existsSync(indexPath)) {
      const { atime, mtime } = await stat(indexPath);
      await copyFile(indexPath, indexFile, constants.COPYFILE_FICLONE);
      // Git compares file dates with the index date to find changes within the same second ("racy git"). A later index date would hide them.
      await utimes(indexFile, atime, mtime);
    }
    return await git.run([...DIFF, commit === null ? '--cached' : 'HEAD'], {
      maxBytes,
      indexFile,
    });
  } catch (cause) {
    return { ...NO_DIFF, status: 'failed', message: `the index could not be read: ${messageOf(cause)}` };
  } finally {
    if (copies !== undefined) await rm(copies, { recursive: true, force: true }).catch(() => undefined);
  }
}

const NOTHING: GitCapture = {
  commit: null,
  branch: null,
  remoteUrl: null,
  isDirty: null,
  untrackedCount: null,
  diff: null,
  diffBytes: 0,
  isDiffCut: false,
  problems: [],
};

/** If git cannot be started, a directory inside one with `.git` counts as a repository. */
function isNoRepository(message: string, directory: string): boolean {
  if (/not a git repository|must be run in a work tree/.test(message)) return true;
  return /could not be started/.test(message) && !isBelowGitDirectory(resolve(directory));
}

function isBelowGitDirectory(directory: string): boolean {
  if (existsSync(join(directory, '.git'))) return true;
  const parent = dirname(directory);
  return parent !== directory && isBelowGitDirectory(parent);
}

function textOf(result: GitResult): string | null {
  const text = result.stdout.toString('utf8').trim();
  return result.status === 'done' && text !== '' ? text : null;
}

/** Finds the URL of `origin` or the first remote in lines `remote.<name>.url <url>`. */
function findRemote(lines: string | null): string | null {
  const remotes = (lines ?? '').split('\n').flatMap((line) => {
    const [, name, url] = /^remote\.(.*)\.url (.+)$/.exec(line) ?? [];
    return name === undefined || url === undefined ? [] : [{ name, url }];
  });
  return (remotes.find(({ name }) => name === 'origin') ?? remotes[0])?.url ?? null;
}

/** Source: git-status(1), "Porcelain Format Version 2": changed 1 and 2, unmerged u, untracked ?; the path before a rename follows a 2. */
function parseStatus(result: GitResult): Pick<GitCapture, 'isDirty' | 'untrackedCount'> {
  if (result.status === 'failed') return { isDirty: null, untrackedCount: null };
  const entries = result.stdout.toString('latin1').split('\0');
  let isDirty = false;
  let untrackedCount = 0;
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]!;
    if (entry.startsWith('? ')) untrackedCount++;
    else if (/^[12u] /.test(entry)) isDirty = true;
    if (entry.startsWith('2 ')) index++;
  }
  return { isDirty, untrackedCount };
}

function toDiff(
  result: GitResult,
  masker: Masker,
  maxBytes: number,
): Pick<GitCapture, 'diff' | 'diffBytes' | 'isDiffCut'> {
  if (result.totalBytes === 0) return { diff: null, diffBytes: 0, isDiffCut: false };
  const isDiffCut = result.status === 'failed' || result.totalBytes > maxBytes;
  // Truncate before masking, at the end of a line, so that the first half of a secret is never kept.
  const kept = isDiffCut ? cut(result.stdout) : result.stdout;
  const masked = maskBytes(kept, masker);
  const total = result.status === 'failed' ? `more than ${result.totalBytes}` : result.totalBytes;
  const note = Buffer.from(isDiffCut ? `# cut here: ${kept.length} of ${total} bytes\n` : '');
  return { diff: Buffer.concat([masked, note]), diffBytes: result.totalBytes, isDiffCut };
}

/** Masks bytes of any encoding. One character for each byte preserves bytes that are not UTF-8. */
function maskBytes(bytes: Buffer, masker: Masker): Buffer {
  const encoding = isUtf8(bytes) ? 'utf8' : 'latin1';
  return Buffer.from(masker.maskText(bytes.toString(encoding)), encoding);
}

/** Truncates a diff before the last file that begins in it, else after the last complete line. */
function cut(diff: Buffer): Buffer {
  const file = diff.lastIndexOf('\ndiff --git ');
  return diff.subarray(0, (file < 0 ? diff.lastIndexOf('\n') : file) + 1);
}

/** Removes user, password and query from a URL. Keeps the user of an SSH URL, which is a name such as `git`. */
export function stripCredentials(url: string): string {
  const [, scheme, user, rest] = URL_PARTS.exec(url) ?? [];
  if (scheme === undefined || rest === undefined) return url;
  const name = /ssh/i.test(scheme) ? (user?.split(':')[0] ?? '') : '';
  return `${scheme}://${name === '' ? '' : `${name}@`}${rest}`;
}

/**
 * Returns the URL of a repository in the browser: SSH URLs become `https://host/path` without `.git`; others stay unchanged.
 *
 * Source: clipped 0.11, `utils/git.py` (`get_code_reference`), which cuts at the first `.git` anywhere.
 */
export function toBrowserUrl(url: string): string {
  const short = SSH_SHORT_FORM.exec(url);
  if (short !== null) return `https://${short[2]}/${withoutSuffix(short[3]!)}`;
  const long = /^(?:git\+)?ssh:\/\/(?:[^/]*@)?([^/:]+)(?::\d*)?\/(.+)$/i.exec(url);
  return long === null ? url : `https://${long[1]}/${withoutSuffix(long[2]!)}`;
}

function withoutSuffix(path: string): string {
  return path
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .replace(/^\/+/, '');
}
