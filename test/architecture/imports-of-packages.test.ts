/** Checks the imported packages: package.json must declare them, and the SDKs of cloud stores are loaded only when a store is opened. */

import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: Readonly<Record<string, { readonly optional?: boolean }>>;
}

const manifest: Manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));

/** How a package is imported. `load`: by `loadLibrary`, whose error says how to install a missing package. */
type Form = 'type' | 'load' | 'import';

interface PackageImport {
  readonly name: string;
  readonly form: Form;
}

const filesOf = (folder: string): string[] =>
  readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[jt]s$/.test(name))
    .map((name) => join(folder, name).replaceAll('\\', '/'));
const sources = ['src', 'uploader'].flatMap(filesOf).filter((name) => !name.endsWith('.d.ts'));

/** The packages that a source file imports, without Node.js' own modules. */
function packagesOf(source: string): PackageImport[] {
  const found: PackageImport[] = [];
  const forms: readonly (readonly [Form, RegExp])[] = [
    ['type', /\b(?:import|export) type\b[^;'"]*?\bfrom ['"]([\w@./:-]+)['"]/g],
    ['type', /\btypeof import\('([\w@./:-]+)'\)/g],
    ['load', /\bloadLibrary\(\s*\w+,\s*\(\) => import\('([\w@./:-]+)'\)/g],
    ['import', /\bfrom ['"]([\w@./:-]+)['"]/g],
    ['import', /\bimport\s*\(?\s*['"]([\w@./:-]+)['"]/g],
    ['import', /\b(?:require|createRequire\(import\.meta\.url\))\(['"]([\w@./:-]+)['"]\)/g],
  ];
  // Remove the matches of each form, so that no later form finds them again.
  let text = readFileSync(join(repository, source), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  for (const [form, pattern] of forms)
    text = text.replace(pattern, (_, specifier: string) => {
      const name = /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '';
      if (!specifier.startsWith('.') && !isBuiltin(specifier)) found.push({ name, form });
      return '';
    });
  return found;
}

const imports = sources.flatMap((source) => packagesOf(source).map((each) => ({ source, ...each })));
const optionalPeers = Object.keys(manifest.peerDependencies).filter(
  (name) => manifest.peerDependenciesMeta[name]?.optional === true,
);

describe('packages', () => {
  const { dependencies, devDependencies, peerDependencies } = manifest;

  it('are declared in package.json if the code imports them', () => {
    const declared = { ...dependencies, ...devDependencies, ...peerDependencies };

    expect(imports.filter(({ name }) => !(name in declared))).toEqual([]);
  });

  it('are installed with the package if the built code imports them', () => {
    const installed = { ...dependencies, ...peerDependencies };
    const built = filesOf('dist').flatMap((source) =>
      packagesOf(source).map((each) => ({ source, ...each })),
    );

    expect(built.length).toBeGreaterThan(10);
    expect(built.filter(({ name }) => !(name in installed))).toEqual([]);
  });

  it('that are declared as dependencies are imported', () => {
    const imported = new Set(imports.map(({ name }) => name));

    expect(Object.keys(manifest.dependencies).filter((name) => !imported.has(name))).toEqual([]);
  });
});

const SDKS = ['@aws-sdk/client-s3', '@azure/storage-blob', '@google-cloud/storage'];
/** Packages for formats of files. */
const FORMATS = ['apache-arrow', 'hyparquet-writer'];
/** Loaded by `polytrack mcp`. */
const MCP = '@modelcontextprotocol/sdk';

describe('SDKs of cloud stores, and packages for formats', () => {
  it('are optional peers', () => {
    expect(optionalPeers).toEqual([...SDKS, MCP, ...FORMATS]);
    expect(Object.keys(manifest.peerDependencies)).toEqual(optionalPeers);
  });

  it('are imported by type only, and loaded by loadLibrary', () => {
    const isSdk = (name: string): boolean => /^@(?:aws|azure|google-cloud|smithy)/.test(name);
    const sdks = imports.filter(({ name }) => isSdk(name) || FORMATS.includes(name) || name === MCP);

    expect(sdks.filter(({ form }) => form === 'import')).toEqual([]);
    const loaded = new Set(sdks.filter(({ form }) => form === 'load').map(({ name }) => name));
    expect([...loaded].sort()).toEqual(optionalPeers);
    const isInPlace = ({ name, source }: (typeof sdks)[number]): boolean =>
      name === MCP
        ? source === 'uploader/commands/mcp.ts'
        : source.startsWith(FORMATS.includes(name) ? 'src/reading/table/' : 'uploader/store/');
    expect(sdks.filter((each) => !isInPlace(each))).toEqual([]);
  });
});
