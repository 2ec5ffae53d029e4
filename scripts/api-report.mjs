// Writes the public declarations of each entry point to docs/api/: `npm run api`. With `--check`, compares instead, and fails if they differ.
//
// A change of the public API is thus a change of these files, which a review sees. They come from the built declarations.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const reports = join(repository, 'docs/api');
// The TypeScript of this project has no programming interface, but that of one of its tools does.
const cli = createRequire(createRequire(import.meta.url).resolve('@arethetypeswrong/cli/package.json'));
const ts = createRequire(cli.resolve('@arethetypeswrong/core'))('typescript');

const { exports } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
const doors = Object.entries(exports).flatMap(([path, { types }]) =>
  types === undefined ? [] : [[`polytrack${path.slice(1)}`, join(repository, types)]],
);
const program = ts.createProgram(
  doors.map(([, file]) => file),
  {
    noLib: true,
    types: [],
    target: ts.ScriptTarget.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
  },
);
const checker = program.getTypeChecker();
const printer = ts.createPrinter({ removeComments: true });
const isCheck = process.argv.includes('--check');
const changed = [];
mkdirSync(reports, { recursive: true });
for (const [door, file] of doors) {
  const report = join(reports, `${door.replaceAll('/', '-')}.api.txt`);
  const text = `The public declarations of ${door}, written by \`npm run api\`.\n\n${toText(file)}`;
  if (existsSync(report) && readFileSync(report, 'utf8') === text) continue;
  changed.push(report);
  if (!isCheck) writeFileSync(report, text);
}
if (isCheck && changed.length > 0) {
  console.error(`The public API differs from ${changed.join(', ')}: run npm run api, and commit the change.`);
  process.exitCode = 1;
}

function toText(file) {
  const source = program.getSourceFile(file);
  return printExports(checker.getSymbolAtLocation(source), '').join('\n');
}

/** The declarations of all exports of a module, by name. */
function printExports(module, prefix) {
  const symbols = checker.getExportsOfModule(module).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return symbols.flatMap((symbol) => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const name = prefix + symbol.name;
    // `export * as name`
    if (target.declarations?.some(ts.isSourceFile)) return printExports(target, `${name}.`);
    return (target.declarations ?? []).map((declaration) => `## ${name}\n${print(declaration)}\n`);
  });
}

function print(declaration) {
  // A constant is part of a statement.
  const node = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration;
  return printer.printNode(ts.EmitHint.Unspecified, node, declaration.getSourceFile());
}
