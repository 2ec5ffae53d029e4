// Part of `npm run build`: the compiler does not copy JavaScript, and src/format/wire/generated is JavaScript.
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const from = fileURLToPath(new URL('../src/format/wire/generated', import.meta.url));
const to = fileURLToPath(new URL('../dist/src/format/wire/generated', import.meta.url));
cpSync(from, to, { recursive: true });
