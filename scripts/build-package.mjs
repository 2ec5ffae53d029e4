// The second half of `npm run build`. The compiler has written modules to build/ and declarations to dist/. This adds two forms of the
// code, which docs/decisions/0069 explains:
//   dist/src, dist/uploader   CommonJS for Node.js. A module loads when it is first used: `import 'polytrack'` needs only a few of them.
//   dist/bundled              a library that both contain, with its licence
//   dist/esm                  ECMAScript modules for bundlers, which follow no `require` and remove what a program does not use.
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const repository = fileURLToPath(new URL('..', import.meta.url));
const dist = join(repository, 'dist');
const compiled = join(repository, 'build');
const GENERATED = 'src/format/wire/generated';
/** What the generated code uses of protobufjs: 100 kB of 4 MB, so it comes with this package. */
const PROTOBUF = { specifier: 'protobufjs/minimal.js', packages: ['protobufjs', 'long'] };
const bundledDirectory = join(dist, 'bundled');
const { exports, bin, dependencies, peerDependencies } = JSON.parse(
  readFileSync(join(repository, 'package.json'), 'utf8'),
);
const doors = Object.values(exports).filter(({ types }) => types !== undefined);

const list = (directory) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));

/** The module in build/ of a file in dist/. */
const toCompiled = (path) => join(compiled, relative(dist, join(repository, path)));

const common = { platform: 'node', target: 'node20.19', charset: 'utf8', logLevel: 'warning' };

/** Modules whose loops run for each record. They need all that they import, and to check whether it is loaded takes a tenth of their time. */
const EAGER = [
  'reader/scalar-decoder.js',
  'reader/scalar-shape.js',
  'record/crc-shift.js',
  'record/record-codec.js',
].map((path) => join(dist, 'src/format', path));

/** Makes each `require` of a CommonJS module wait until its exports are used. */
function loadLazily(path, code) {
  if (EAGER.includes(path)) return code;
  const names = [];
  const declared = code.replace(/^var (import_\w+) = (.*\brequire\(".+"\).*);$/gm, (_, name, load) => {
    names.push(name);
    return `let ${name}_;\nconst ${name} = () => ${name}_ ??= ${load};`;
  });
  if (names.length === 0) return code;
  // `(import_x().y)(…)`, after `...` but not after `.` alone. The parentheses are for `new (import_x()).Y()`.
  const used = declared.replace(
    new RegExp(`(?<!\\w|(?<!\\.\\.)\\.)(${names.join('|')})\\.`, 'g'),
    (_, name) => `(${name}()).`,
  );
  const missed = new RegExp(`\\b(?:${names.join('|')})\\b(?!\\(\\)\\)\\.| = \\(\\) =>)`).exec(used);
  if (missed !== null) throw new Error(`${path}: ${missed[0]} is used in a form that cannot be made lazy`);
  return used;
}

/**
 * Makes the exports plain properties, after everything is declared: nothing is imported in circles. Calls through the getters that esbuild
 * defines take longer (`Run.logMetric`: by half). Only exports of other modules keep getters, which load these modules.
 */
function exportPlainly(path, code) {
  const pattern =
    /^var (\w+_exports) = \{\};\n__export\(\1, \{\n([\s\S]*?)\n\}\);\nmodule\.exports = __toCommonJS\(\1\);\n/m;
  const [, name, members] = pattern.exec(code) ?? [];
  if (members === undefined) {
    if (code.includes('__export(')) throw new Error(`${path}: unexpected form of exports`);
    return code;
  }
  const properties = members.replace(/^( +)(\w+): \(\) => (.*?)(,?)$/gm, (_, indent, name, value, comma) =>
    value.includes('(')
      ? `${indent}get ${name}() { return ${value}; }${comma}`
      : `${indent}${name}: ${value}${comma}`,
  );
  const body = code.replace(pattern, '').replace(
    /^\/\/ Annotate the CommonJS export names[\s\S]*/m,
    (annotation) =>
      // Not assigned to `module.exports` as a literal: Deno, and Node.js for getters, would take the names from that instead of the annotation.
      `const ${name} = {\n${properties}\n};\nObject.defineProperty(${name}, "__esModule", { value: true });\nmodule.exports = ${name};\n${annotation}`,
  );
  return body.includes('__toESM(')
    ? body
    : body.replace(/^var __defProp = [\s\S]*?^var __toCommonJS = .*\n/m, '');
}

/** Makes a CommonJS module load what this package contains by its path: the bundled protobufjs, and the uploader (decision 0071). */
function loadByPath(path, code) {
  const to = (target) => JSON.stringify(relative(dirname(path), target));
  return code
    .replaceAll(`"${PROTOBUF.specifier}"`, to(join(bundledDirectory, 'protobuf.js')))
    .replaceAll('"polytrack/uploader"', to(join(repository, exports['./uploader'].default)));
}

/** CommonJS has no `import.meta`. */
function defineUrl(code) {
  if (!/\bimport_meta_url\b/.test(code)) return code;
  const definition = 'const import_meta_url = require("node:url").pathToFileURL(__filename).href;\n';
  return code.replace(/^"use strict";\n/m, (line) => line + definition);
}

/** Hides the imports of optional packages from bundlers, which would fail where a package is not installed, or warn of a name that they do not know. */
function importWhenInstalled(code) {
  const hidden = (name) => `import(/* webpackIgnore: true */ /* @vite-ignore */ ${name})`;
  return code
    .replace(/\bimport\(("[^"]+")\)/g, (load, name) =>
      JSON.parse(name) in peerDependencies ? hidden(`String(${name})`) : load,
    )
    .replace(/\bimport\((\w+)\)/g, (_, variable) => hidden(variable));
}

/** Adds the files that `path` refers to, and those that they refer to. */
function addReferences(path, found) {
  if (found.has(path)) return;
  found.add(path);
  const extension = path.endsWith('.d.ts') ? '.d.ts' : '.js';
  for (const [, name] of readFileSync(path, 'utf8').matchAll(/["'](\.{1,2}\/[^"']+)\.js["']/g)) {
    const target = resolve(dirname(path), name + extension);
    if (existsSync(target)) addReferences(target, found);
  }
}

for (const name of readdirSync(join(repository, GENERATED)))
  cpSync(join(repository, GENERATED, name), join(name.endsWith('.d.ts') ? dist : compiled, GENERATED, name));

/** They are a tenth of these modules. The declarations and the CommonJS modules keep them. */
const withoutComments = {
  name: 'without-comments',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.js$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, 'utf8'), { ...common, minifyWhitespace: true });
      return { contents: code, loader: 'js' };
    }),
};

rmSync(join(dist, 'esm'), { recursive: true, force: true });
const bundles = await build({
  ...common,
  entryPoints: Object.fromEntries(
    doors.map(({ module, default: path }) => [/([^/]+)\.js$/.exec(module)[1], toCompiled(path)]),
  ),
  // Only bundlers read these files, and the package must stay small.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 120,
  outdir: join(dist, 'esm'),
  format: 'esm',
  bundle: true,
  splitting: true,
  external: Object.keys({ ...dependencies, ...peerDependencies }),
  plugins: [withoutComments],
  write: false,
});
mkdirSync(join(dist, 'esm'));
for (const { path, text } of bundles.outputFiles) writeFileSync(path, importWhenInstalled(text));
await build({
  ...common,
  entryPoints: { protobuf: fileURLToPath(import.meta.resolve(PROTOBUF.specifier)) },
  outdir: bundledDirectory,
  format: 'cjs',
  bundle: true,
  minifyWhitespace: true,
});
for (const name of PROTOBUF.packages)
  cpSync(join(repository, 'node_modules', name, 'LICENSE'), join(bundledDirectory, `LICENSE-${name}`));
const { outputFiles } = await build({
  ...common,
  entryPoints: ['src', 'uploader'].map((folder) => join(compiled, folder, '**/*.js')),
  outbase: compiled,
  outdir: dist,
  format: 'cjs',
  define: { 'import.meta.url': 'import_meta_url' },
  // `require` works everywhere; `import()` does not in the virtual machines of Jest.
  supported: { 'dynamic-import': false },
  write: false,
});
for (const { path, text } of outputFiles) {
  const code = loadByPath(path, exportPlainly(path, defineUrl(loadLazily(path, text))));
  // No person reads the generated modules.
  const isGenerated = relative(dist, path).startsWith(GENERATED);
  writeFileSync(path, isGenerated ? (await transform(code, { minifyWhitespace: true })).code : code);
}
writeFileSync(join(dist, 'package.json'), '{ "type": "commonjs" }\n');
writeFileSync(join(dist, 'esm', 'package.json'), '{ "type": "module" }\n');

// Remove what no entry point uses: modules without code, internal declarations, and files of earlier builds.
const whole = [join(dist, 'esm', '/'), join(bundledDirectory, '/'), join(dist, 'package.json')];
const used = new Set();
for (const path of [...doors.flatMap((door) => [door.types, door.default]), ...Object.values(bin)])
  addReferences(join(repository, path), used);
for (const path of list(dist))
  if (!used.has(path) && !whole.some((start) => path.startsWith(start))) rmSync(path);

// npm does the same for an installed package. TensorBoard starts the data server by its path.
for (const path of Object.values(bin)) chmodSync(join(repository, path), 0o755);
