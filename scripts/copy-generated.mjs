// Part of `npm run build`: the compiler does not copy JavaScript, and src/format/wire/generated is JavaScript.
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const from = fileURLToPath(new URL('../src/format/wire/generated', import.meta.url));
const to = fileURLToPath(new URL('../dist/src/format/wire/generated', import.meta.url));
// An earlier build may have left modules that no longer exist.
rmSync(to, { recursive: true, force: true });
cpSync(from, to, { recursive: true });
