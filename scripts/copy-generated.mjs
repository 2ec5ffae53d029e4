// Part of `npm run build`: the compiler does not copy JavaScript, and src/wire/generated is JavaScript.
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const from = fileURLToPath(new URL('../src/wire/generated', import.meta.url));
const to = fileURLToPath(new URL('../dist/src/wire/generated', import.meta.url));
cpSync(from, to, { recursive: true });
