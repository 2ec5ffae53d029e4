// Finds phrases of ours that have a plainer word, and says which: docs/glossary.md has the words. Run by `npm run lint`.
//
//   node scripts/lint-words.mjs            checks the whole repository
//   node scripts/lint-words.mjs <path>…    checks these files and folders instead
//   node scripts/lint-words.mjs --count    counts the phrases of the whole repository by folder
//
// In code, phrases are searched in comments and strings only; identifiers that have another name now are searched everywhere. The titles of tests that
// documentation quotes are checked in the tests alone, and names of source files nowhere.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = dirname(dirname(fileURLToPath(import.meta.url)));

/** Never checked: what others have written or a program has generated, and this file. */
const EXCLUDED =
  /^(?:fixtures\/|src\/format\/wire\/generated\/|docs\/(?:images|api)\/|package-lock\.json$|LICENSE$|scripts\/lint-words\.)|\.(?:png|svg|ico|gz|bin|pb|npy)$/;
const CODE = /\.(?:ts|mts|js|mjs|cjs)$/;

/** The projector, and a projection, of TensorBoard's embeddings and meshes. */
const EMBEDDING =
  /^src\/embedding\/|^test\/(?:embedding|tensorboard)\/|embedding|projector[-_](?:config|files)|projector plugin/i;
/** Generations of objects in Google Cloud Storage, of code and of text. */
const GENERATION =
  /gcs|google|ifGeneration|object's generation|[`']generation[`']|plx[-_]generation|(?:code|text|image) generation|^src\/trace\//i;

/**
 * `pattern`: searched in prose, ignoring case, where a space stands for any white space. `code`: searched in identifiers, with their case.
 * `use`: what to write. `sample`, `name`: a text and an identifier that are found; `good`: a text that is not. `allow`: lines, with their path before
 * them, that may have the phrase.
 */
export const RULES = [
  {
    pattern: 'told(?! otherwise)',
    use: 'reported, notified, or the subject: "on SIGTERM"',
    sample: 'the user is told of it once',
  },
  {
    pattern: '(?:tells?|telling) (?:of|about|once)',
    use: 'reports, notifies, logs',
    sample: 'it tells of a lost run',
  },
  {
    pattern: 'to tell (?:of|about|once)|(?:what|nothing|anything) to tell',
    use: 'to report; pending notifications',
    sample: 'no run to tell of',
  },
  {
    pattern: 'nobody|somebody|anybody|whoever',
    use: 'the subject: the caller, no process, another uploader',
    sample: 'somebody else writes',
  },
  {
    pattern: '(?:go|goes|gone|going|went) on(?! (?:the )?disk)',
    use: 'resumes, continues, keeps running',
    sample: 'an upload is gone on with',
  },
  { pattern: 'anew', use: 'again; restarted, regenerated, recreated', sample: 'the file is begun anew' },
  {
    pattern: 'as (?:it is|they are)(?! (?:now |being )?[a-z]+(?:ed|en|ing|wn|ade|ent|ead|ought)\\b)',
    use: 'unchanged, verbatim',
    sample: 'the run file stays as it is.',
    good: 'a file is scanned as it is written',
  },
  {
    pattern: "of (?:its|their|one's) own|by (?:itself|themselves)",
    use: 'its own, separate; automatically',
    sample: 'each has a lock of its own',
  },
  {
    pattern: 'in place of',
    use: 'instead of',
    sample: 'a copy in place of the file',
    good: 'appends in place',
  },
  {
    pattern: 'what there (?:is|was|are|were)|there (?:is|was|are|were) to',
    use: 'what exists; the state of',
    sample: 'it sends what there is',
  },
  {
    pattern: 'under way|underway|on (?:its|the|their) way',
    use: 'in flight, in transit, in progress',
    sample: 'a request is under way',
  },
  {
    pattern: 'what(?:ever)? (?:is|was|are|were) left(?! out)|left-?overs?',
    use: 'what remains; orphaned uploads, temporary files',
    sample: 'what is left of an upload',
  },
  {
    pattern:
      '(?:a|one|each|every|another|second|first|last|two|no|between|after|before) looks?(?! like)|look(?:s|ed|ing)? (?:at|again)|by looking|looks (?:are|rest)',
    use: 'checks, scans, polls; a HEAD request; "see" in documentation',
    sample: 'it looks at the file',
    good: 'it looks like a log, and looks up the name',
  },
  { pattern: 'seldom', use: 'rarely; polls every n seconds', sample: 'it looks seldom' },
  { pattern: 'again and again', use: 'repeatedly; polls every n seconds', sample: 'it asks again and again' },
  {
    pattern: '(?:put|puts|putting) aside',
    use: 'quarantined, quarantines',
    sample: 'the journal is put aside',
  },
  {
    pattern: 'believ(?:e|es|ed|ing)',
    use: 'trusts, trusted; verified',
    sample: 'the bytes are not believed yet',
  },
  {
    pattern: '(?:fall|falls|fell|fallen|falling) silent',
    use: 'stops writing, is disabled',
    sample: 'the journal falls silent',
  },
  {
    pattern:
      '(?:store|server|bucket|reader|API|TensorBoard|Polyaxon|S3|Azure|Google) takes?(?! (?:place|part|turns|over|up|about|longer|between|\\d|~))|takes? no(?! (?:longer|more|time))',
    use: 'accepts, supports',
    sample: 'a store takes checksums',
    good: 'the server takes 20 ms, and an upload takes no longer',
  },
  {
    pattern: '(?:say|says|said) no',
    use: 'rejects, rejected',
    sample: 'the server says no',
    good: 'the text says nothing',
  },
  {
    pattern: 'lets? (?:us|it|them|you) in|let in',
    use: 'authorises; credentials are accepted',
    sample: 'the store lets us in',
  },
  {
    pattern: '(?:is|are|was|were|be|been|being|go|goes|went|gone|stays|while) away(?! from)',
    use: 'is unavailable; disappears',
    sample: 'the store is away',
  },
  {
    pattern: '(?:is|are|was|were|be|been) back(?! (?:to|in|at|on|up))',
    use: 'is available again',
    sample: 'until the store is back',
  },
  {
    pattern: 'patience',
    code: '\\w*(?:[pP]atience|PATIENCE)\\w*',
    name: 'patienceMs',
    use: 'retry policy, retry timeout; RetryPolicy, retryTimeoutMs',
    sample: 'patience with the store',
  },
  {
    pattern: 'outage gate|(?:one|the|a) gate',
    code: '\\w*OutageGate\\w*|outageGate\\w*',
    name: 'OutageGate',
    use: 'circuit breaker; CircuitBreaker',
    sample: 'one gate for outages',
  },
  {
    pattern: 'grace(?! period)',
    code: 'graceMs',
    name: 'graceMs',
    use: 'shutdown timeout',
    sample: 'the grace time is over',
  },
  {
    pattern:
      "hints? (?:of|from) (?:a |the )?(?:file )?watchers?|watcher(?:'s)? (?:only )?(?:gives )?hints?|only hints|hints? of what|hints? (?:only )?changes?|whatever the hints",
    code: 'useHints|\\w*HINTS_OFF',
    name: 'useHints',
    use: 'file-watcher event; --poll',
    sample: 'hints of a file watcher',
    good: 'the hint of an error',
  },
  {
    pattern: 'likeness(?:es)?',
    code: '\\w*[lL]ikeness\\w*',
    name: 'likenessOf',
    use: 'preview',
    sample: 'a likeness for TensorBoard',
  },
  {
    pattern: 'receipts?',
    code: '\\w*(?:[rR]eceipt|RECEIPT)\\w*',
    name: 'ReceiptWriter',
    use: 'manifest',
    sample: 'the receipt of a run',
  },
  {
    pattern: 'projections?|projected|projectors?|who projects|projects? (?:events|event files)|to project',
    code: '\\w*Project(?:ion|or|ed|s?Events)\\w*|\\b(?:projection|projector|projected|projects?Events)\\w*|\\w*PROJECTION(?:_FAILED)?',
    name: 'RunProjector',
    use: 'export, exporter; convert to Polyaxon event files; "export owner"',
    sample: 'the projection of a run',
    allow: EMBEDDING,
  },
  {
    pattern: "made (?:files|rows)|made of (?:the |its |a )?(?:run's )?event files?",
    code: '\\w*[mM]adeFiles\\w*|\\w*[mM]adeRows\\w*',
    name: 'MadeFiles',
    use: 'generated files; inventory rows; generated from',
    sample: 'the made files of a run',
  },
  { pattern: 'ready-?made', use: "written by the run's own writer", sample: 'ready-made files' },
  {
    pattern: "foreign (?:writers?|files?)|others' (?:files|runs|writers)",
    use: 'third-party writer',
    sample: 'a foreign writer',
  },
  {
    pattern: 'adopted',
    code: '\\w*[aA]dopted\\w*',
    name: 'isAdopted',
    use: 'imported',
    sample: 'an adopted run',
  },
  {
    pattern: '(?:has|have|had|with|without) (?:a|no) life',
    code: 'RunLife|Life',
    name: 'RunLife',
    use: 'is active; liveness: live, ended, lost',
    sample: 'a run that has a life',
  },
  { pattern: '(?:stand|stands|stood|standing) still', use: 'is stale', sample: 'the heartbeat stands still' },
  {
    pattern: 'twins?|twin names?',
    code: '\\w*Twins?\\b|twinNames?\\w*',
    name: 'NameTwins',
    use: 'name collision',
    sample: 'a twin name',
  },
  {
    pattern: 'generations?',
    use: 'previous version',
    sample: 'an earlier generation of a log',
    allow: GENERATION,
  },
  {
    pattern: 'what is due|(?:its|their) turn',
    use: 'scheduled; next in the queue',
    sample: 'it waits for its turn',
  },
  {
    pattern: 'park(?:ed|s|ing)?',
    use: 'paused until the store accepts requests again',
    sample: 'the target is parked',
  },
  {
    pattern: 'rehears(?:e|es|ed|al|als|ing)',
    code: '\\w*[rR]ehears\\w*',
    name: 'rehearse',
    use: 'dry run; dryRun',
    sample: 'a rehearsal of a sync',
  },
  {
    pattern: 'tellers?',
    code: '\\w*Tellers?\\b|tellers?\\w*|\\bTold\\w*',
    name: 'RunTeller',
    use: 'reporter, notices; RunSync, SyncedStatus',
    sample: 'the teller of a run',
  },
  {
    pattern: 'fenced(?! code)',
    code: 'isFenced',
    name: 'isFenced',
    use: 'holds the lease; holdsLease',
    sample: 'a fenced uploader',
  },
  {
    pattern: '(?:share|shares|shared|sharing) (?:runs |files |them |it |the runs |its files )?out',
    use: 'assign runs to uploaders',
    sample: 'runs are shared out',
  },
  {
    pattern: 'the design|failure rows?|row \\d+ of',
    use: 'F<n> of docs/failures.md',
    sample: 'row 31 of the design',
  },
  {
    pattern: 'what nobody|nobody can go below',
    use: 'the theoretical minimum, the floor',
    sample: 'what nobody can go below',
  },
  {
    pattern: 'correct (?:it|them|that)\\.',
    use: 'one imperative that says how: "Use a whole number from 1 to 64."',
    sample: 'Correct it.',
  },
  {
    pattern: '(?:a|the|of|same|each|every|different|that|any) moments?',
    code: 'Moment',
    name: 'Moment',
    use: 'timestamp, point in time; EventTime',
    sample: 'at the same moment',
  },
  { pattern: 'mistakes?', use: 'invalid argument, misuse', sample: 'a mistake in a call' },
  { pattern: 'known bytes', use: 'constant bytes', sample: 'the CRC of known bytes' },
  {
    pattern: 'refused calls?',
    code: '\\w*CALL_REFUSED',
    name: 'WARN_CALL_REFUSED',
    use: 'rejected call',
    sample: 'a refused call',
  },
  {
    pattern: '(?:store|server|bucket|API|Polyaxon|S3) (?:that )?refuse[sd]?',
    code: '\\w*STORE_REFUSES',
    name: 'NOTICE_STORE_REFUSES',
    use: 'rejects',
    sample: 'a server refuses it',
  },
  { pattern: 'suspects?', use: 'quarantined items', sample: 'a suspect of the API' },
  {
    pattern: 'pictures?',
    use: 'chart, image; "diagram"',
    sample: 'a picture of the metrics',
    allow: /^test\/tensorboard\/.*'three \*pictures\*'/, // what TensorFlow's fixture has
  },
  {
    pattern: '(?:a|each|every|next|single|one|last) pass(?:es)?(?! (?:over|through))',
    use: 'a sync, a scan',
    sample: 'each pass lists the run',
    good: 'one pass over the bytes, and a forward pass',
  },
  {
    pattern: 'is the truth|are the truth',
    use: 'is authoritative; re-verifies but does not re-upload',
    sample: 'the store is the truth',
  },
  { pattern: 'leave that', use: 'do not …', sample: 'leave that' },
];

/** Identifiers, flags, variables and codes that have another name now. */
const RENAMED = {
  EngineParts: 'UploaderContext',
  EngineOptions: 'UploaderOptions',
  Tracker: 'Inventory',
  Recorder: 'JournalWriter',
  EventBudget: 'ExportRate',
  DirectoryVisit: 'DirectoryScan',
  Notifier: 'RunObserver',
  PolyaxonNotifier: 'PolyaxonSync',
  silentNotifier: 'noObserver',
  KindTags: 'TagAllocator',
  passThrough: 'updateCrc',
  passExact: 'updateCrcExact',
  passInt32: 'updateCrcInt32',
  recordIf: 'filter',
  syncOnce: 'sync',
  takesEnded: 'assumeEnded',
  allowOtherDevices: 'crossFileSystems, oneFileSystem',
  eventRequests: 'exportRate',
  NOTICE_JOURNAL_SILENT: 'NOTICE_JOURNAL_DISABLED',
  NOTICE_STORE_ACCEPTS: 'NOTICE_STORE_RECOVERED',
  '--event-requests': '--export-rate',
  '--project-events': '--export-events',
  '--no-project-events': '--no-export-events',
  '--root-id': '--uuid-seed',
  '--grace': '--shutdown-timeout',
  '--retry-for': '--retry-timeout',
  '--no-hints': '--poll',
  '--cross-device': '--no-one-file-system',
  '--no-receipts': '--no-manifests',
  '--generations': '--previous-versions',
  POLYTRACK_EVENT_REQUESTS: 'POLYTRACK_EXPORT_RATE',
  POLYTRACK_PROJECT_EVENTS: 'POLYTRACK_EXPORT_EVENTS',
  POLYTRACK_ROOT_ID: 'POLYTRACK_UUID_SEED',
  POLYTRACK_GRACE: 'POLYTRACK_SHUTDOWN_TIMEOUT',
  POLYTRACK_RETRY_FOR: 'POLYTRACK_RETRY_TIMEOUT',
  POLYTRACK_HINTS: 'POLYTRACK_POLL',
  POLYTRACK_CROSS_DEVICE: 'POLYTRACK_ONE_FILE_SYSTEM',
  POLYTRACK_RECEIPTS: 'POLYTRACK_MANIFESTS',
};
for (const [name, use] of Object.entries(RENAMED)) RULES.push({ code: name, name, use });

for (const rule of RULES) {
  rule.prose = rule.pattern && compile(rule.pattern, 'gi');
  rule.identifier = rule.code && compile(rule.code, 'g');
}

/** Phrases of a text, as `{ line, phrase, rule, isIdentifier }` in the order of the text. `path` says how to read it, relative to the repository. */
export function findPhrases(path, text) {
  const own = withoutNames(text);
  const prose = CODE.test(path) ? proseOf(own) : own;
  const lineOf = createLineIndex(text);
  const found = [];
  for (const rule of RULES) {
    for (const [expression, part, isIdentifier] of [
      [rule.prose, prose, false],
      [rule.identifier, own, true],
    ]) {
      if (!expression) continue;
      for (const match of part.matchAll(expression)) {
        const { line, content } = lineOf(match.index);
        if (rule.allow?.test(`${path}: ${content}`)) continue;
        const phrase = match[0].replaceAll(/\s+/g, ' ');
        if (found.some((other) => other.rule === rule && other.at === match.index)) continue;
        found.push({ line, phrase, rule, isIdentifier, at: match.index });
      }
    }
  }
  return found.sort((a, b) => a.at - b.at);
}

/** A space of the source stands for white space, also across a line's end with a comment's leader; words are whole. */
function compile(source, flags) {
  return new RegExp(
    `(?<!\\w)(?:${source.replaceAll(/ (?![?*+])/g, '[ \\t]*(?:[ \\t]|\\n[ \\t]*)')})(?![\\w])`,
    flags,
  );
}

/**
 * The comments and strings of code, at the positions that they have there. All else is NUL, so that no phrase is found across it; a comment's
 * leaders are spaces.
 */
function proseOf(text) {
  const prose = new Array(text.length).fill('\0');
  const take = (start, end) => {
    for (let at = start; at < end; at += 1) prose[at] = text[at];
  };
  const blank = (start, end) => {
    for (let at = start; at < end; at += 1) if (prose[at] !== '\n') prose[at] = ' ';
  };
  /** Depths of braces at which a template goes back to text. */
  const templates = [];
  let depth = 0;
  let at = 0;
  let previous = '';
  while (at < text.length) {
    const char = text[at];
    const pair = text.slice(at, at + 2);
    if (pair === '//') {
      const end = endOf(text, '\n', at);
      take(at, end);
      blank(at, at + 2);
      // A comment of several lines reads as one text.
      if (/^\s*\/\//.test(text.slice(end + 1))) take(end, end + 1);
      at = end;
    } else if (pair === '/*') {
      const end = endOf(text, '*/', at + 2) + 2;
      take(at, end);
      blank(at, at + 2);
      blank(end - 2, end);
      for (const { index, 0: leader } of text.slice(at, end).matchAll(/\n[ \t]*\*?/g)) {
        blank(at + index, at + index + leader.length);
      }
      if (text[at + 2] === '*') blank(at, at + 3);
      at = end;
    } else if (char === "'" || char === '"') {
      const end = endOfString(text, at, char);
      take(at, end);
      at = end;
      previous = char;
    } else if (char === '`' || (char === '}' && templates.at(-1) === depth)) {
      if (char === '}') templates.pop();
      const end = endOfTemplate(text, at + 1);
      take(at, end);
      if (text[end - 1] === '{') {
        templates.push(depth);
        blank(end - 2, end);
      }
      at = end;
      previous = '`';
    } else if (char === '/' && beginsRegExp(previous, text, at)) {
      at = endOfRegExp(text, at);
      previous = '/';
    } else {
      if (char === '{') depth += 1;
      if (char === '}') depth -= 1;
      if (!/\s/.test(char)) previous = char;
      at += 1;
    }
  }
  return prose.join('');
}

function endOf(text, mark, from) {
  const end = text.indexOf(mark, from);
  return end < 0 ? text.length : end;
}

function endOfString(text, start, quote) {
  let at = start + 1;
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return Math.min(at + 1, text.length);
}

/** Behind the closing backtick, or behind the `${` that comes before it. */
function endOfTemplate(text, start) {
  let at = start;
  while (at < text.length && text[at] !== '`') {
    if (text.startsWith('${', at)) return at + 2;
    at += text[at] === '\\' ? 2 : 1;
  }
  return Math.min(at + 1, text.length);
}

/** A slash divides behind a value, and begins an expression elsewhere. */
function beginsRegExp(previous, text, at) {
  if (previous === '' || '(,=:[!&|?{};+-*%~^<>'.includes(previous)) return true;
  return /\b(?:return|typeof|case|of|in)\s*$/.test(text.slice(Math.max(0, at - 12), at));
}

function endOfRegExp(text, start) {
  let isClass = false;
  let at = start + 1;
  while (at < text.length && text[at] !== '\n' && (isClass || text[at] !== '/')) {
    if (text[at] === '[') isClass = true;
    if (text[at] === ']') isClass = false;
    at += text[at] === '\\' ? 2 : 1;
  }
  return Math.min(at + 1, text.length);
}

/** Without the titles of tests that documentation quotes, and the names of source files. */
function withoutNames(text) {
  const blank = (name) => '\0'.repeat(name.length);
  return text
    .replaceAll(/(?<=\.test\.ts › ).*?(?=<br>|\s\||$)/gm, blank)
    .replaceAll(/(?:[\w.@-]+\/)+[\w.-]+\.(?:ts|mts|js|mjs|md|py)\b/g, blank);
}

function createLineIndex(text) {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (index) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (starts[middle] <= index) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, content: text.slice(starts[low], starts[low + 1] ?? text.length) };
  };
}

/** Files of the repository that are checked, relative to it. */
function listFiles() {
  const names = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: repository,
    encoding: 'utf8',
  });
  return [...new Set(names.split('\0'))].filter(
    (path) => path !== '' && !EXCLUDED.test(path) && isFile(path),
  );
}

function isFile(path) {
  return statSync(join(repository, path), { throwIfNoEntry: false })?.isFile() ?? false;
}

function check(paths) {
  let count = 0;
  for (const path of paths) {
    for (const { line, phrase, rule } of findPhrases(path, readFileSync(resolve(repository, path), 'utf8'))) {
      console.log(`${path}:${line}: ${phrase} → ${rule.use}`);
      count += 1;
    }
  }
  if (count > 0) process.exitCode = 1;
  console.log(`${paths.length} files, ${count} phrases`);
}

/** A table in Markdown: the number of phrases, and of identifiers, in each folder at the top of the repository. */
function printCounts(paths) {
  const folders = [...new Set(paths.map(folderOf))].sort();
  const rows = new Map();
  for (const path of paths) {
    for (const { rule, isIdentifier } of findPhrases(path, readFileSync(join(repository, path), 'utf8'))) {
      const label = isIdentifier ? `\`${rule.name}\`` : rule.sample;
      const counts = rows.get(label) ?? new Map();
      counts.set(folderOf(path), (counts.get(folderOf(path)) ?? 0) + 1);
      rows.set(label, counts);
    }
  }
  const sumOf = (counts) => [...counts.values()].reduce((total, count) => total + count, 0);
  const print = (label, counts) =>
    console.log(
      `| ${[label, ...folders.map((folder) => counts.get(folder) ?? ''), sumOf(counts)].join(' | ')} |`,
    );
  console.log(`| a phrase or an identifier of the kind | ${folders.join(' | ')} | all |`);
  console.log(`|---|${'---:|'.repeat(folders.length + 1)}`);
  for (const [label, counts] of [...rows].sort(([, a], [, b]) => sumOf(b) - sumOf(a))) print(label, counts);
  const all = [...rows.values()];
  print(
    'all',
    new Map(
      folders.map((folder) => [folder, all.reduce((total, counts) => total + (counts.get(folder) ?? 0), 0)]),
    ),
  );
}

function folderOf(path) {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '(root)';
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const given = process.argv.slice(2);
  if (given[0] === '--count') printCounts(listFiles());
  else {
    const wanted = given.map((path) => relative(repository, resolve(path)).replaceAll(sep, '/'));
    const files = listFiles();
    const named = wanted.filter((path) => path.startsWith('..') && !EXCLUDED.test(path));
    check([
      ...named,
      ...files.filter(
        (path) => given.length === 0 || wanted.some((each) => path === each || path.startsWith(`${each}/`)),
      ),
    ]);
  }
}
