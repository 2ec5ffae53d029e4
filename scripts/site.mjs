// Builds the documentation site into .site/dist: `npm run site`. VitePress renders the Markdown files of the repository, and TypeDoc the API
// from the docstrings. Both are installed into .site/, so that the project does not depend on them: TypeDoc needs another TypeScript.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOOLS = {
  vitepress: '1.6.4',
  typedoc: '0.28.20',
  'typedoc-plugin-markdown': '4.14.1',
  typescript: '5.9.3',
};
/** The entry points of the package, by name in the API reference. */
const ENTRIES = ['src/index.ts', 'src/format/index.ts', 'uploader/polyaxon.ts', 'uploader/index.ts'];
/** Links of the README that also work on the registry: decision 0070. */
const PUBLISHED = 'https://unpkg.com/polytrack/';

const repository = fileURLToPath(new URL('..', import.meta.url));
const site = join(repository, '.site');
const source = join(site, 'source');

installTools();
const pages = copyPages();
writeApi();
writeFileSync(join(source, 'public/llms.txt'), toIndex(pages));
run('vitepress', ['build', source, '--outDir', join(site, 'dist')]);
console.log(`The site is in ${join(site, 'dist')}`);

function installTools() {
  mkdirSync(site, { recursive: true });
  writeFileSync(
    join(site, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies: TOOLS }),
  );
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: site,
    stdio: 'inherit',
  });
}

/** Copies all Markdown files and their images, in the same places. Returns the paths of the pages. */
function copyPages() {
  rmSync(source, { recursive: true, force: true });
  const list = (...patterns) =>
    execFileSync('git', ['ls-files', ...patterns], { cwd: repository, encoding: 'utf8' })
      .split('\n')
      .filter(Boolean);
  const paths = list('*.md');
  for (const path of [...paths, ...list('docs/images')]) {
    mkdirSync(dirname(join(source, path)), { recursive: true });
    if (path.endsWith('.md')) writeFileSync(join(source, path), toPage(path));
    else cpSync(join(repository, path), join(source, path));
  }
  mkdirSync(join(source, '.vitepress'), { recursive: true });
  mkdirSync(join(source, 'public'), { recursive: true });
  cpSync(join(repository, 'docs/site.config.mjs'), join(source, '.vitepress/config.mjs'));
  return paths;
}

/** A page without comments, with links to pages of the site. */
function toPage(path) {
  const text = readFileSync(join(repository, path), 'utf8').replaceAll(/^<!--.*-->\n+/gm, '');
  return path === 'README.md' ? text.replaceAll(PUBLISHED, './') : text;
}

function writeApi() {
  const plugin = join(site, 'node_modules/typedoc-plugin-markdown/dist/index.js');
  run('typedoc', [
    ...['--plugin', plugin, '--out', join(source, 'api'), '--tsconfig', join(repository, 'tsconfig.json')],
    ...ENTRIES.flatMap((entry) => ['--entryPoints', join(repository, entry)]),
    ...['--readme', 'none', '--skipErrorChecking', '--disableSources', '--logLevel', 'Error'],
  ]);
}

/** The index for language models, as llmstxt.org describes it: one line for each page. */
function toIndex(paths) {
  const introduction = readFileSync(join(repository, 'README.md'), 'utf8')
    .split('\n\n')[1]
    .replaceAll('\n', ' ');
  const wanted = paths.filter((path) => path === 'README.md' || /^docs\/(guides\/)?[^/]+\.md$/.test(path));
  const lines = wanted.map((path) => {
    const text = readFileSync(join(repository, path), 'utf8');
    const [, title] = /^# (.+)$/m.exec(text);
    const [, first] = /^# .+\n+(?:<!--.*-->\n+)?([\s\S]+?)(?:\n\n|$)/.exec(text);
    const summary = first.replaceAll('\n', ' ').replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    return `- [${title}](/${path.replace(/\.md$/, '.html')}): ${/^.+?[.](?= |$)/.exec(summary)?.[0] ?? summary}`;
  });
  return `# polytrack\n\n> ${introduction}\n\n## Pages\n\n${lines.join('\n')}\n`;
}

function run(tool, args) {
  execFileSync(join(site, 'node_modules/.bin', tool), args, { cwd: site, stdio: 'inherit' });
}
