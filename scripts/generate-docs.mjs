// Generates docs/settings.md from uploader/settings/table.ts. Run by `npm run docs`; `--check` fails when the committed file is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const repository = fileURLToPath(new URL('..', import.meta.url));
const target = `${repository}docs/settings.md`;
const { module } = await runnerImport(`${repository}uploader/settings/table.ts`, {
  configFile: false,
  logLevel: 'error',
});
const { GROUPS, SETTINGS, toFlag, variablesOf } = module;

const INTRODUCTION = `# Settings

<!-- Generated from uploader/settings/table.ts by \`npm run docs\`: do not edit. -->

polytrack takes each setting from the first of these places that has it: flag, environment variable, configuration file, default.
\`--verbose\` prints which place that was, \`--json\` reports it as \`configuration\`.

The configuration file holds one JSON object, whose keys are in the tables below. A key that is not in the tables is an error.

\`\`\`json
{ "store": "s3://bucket/prefix", "interval": 30, "exclude": ["*.ckpt"] }
\`\`\`

- **On or off**: \`true\` or \`false\`. Each such setting has two flags, such as \`--mirror\` and \`--no-mirror\`; the tables list those that change the default.
- **Bytes**: a number with a unit, such as \`500k\`, \`10MB\` or \`1MiB\`. **Time**: a number of seconds; where it says \`<time>\`, a number with a unit, such as \`90s\`, \`12h\` or \`7d\`.
- An empty variable counts as not set.
`;

const code = (text) => `\`${text}\``;
const toTable = (rows) => rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('');

function toFlagsCell(name, { type, short, negation, default: usual }) {
  const on = [toFlag(name), type.placeholder].filter(Boolean).join(' ');
  const off = toFlag(name).replace('--', '--no-');
  const shown = usual === true ? [off] : [short, on, negation === undefined ? undefined : off];
  return shown.filter(Boolean).map(code).join(', ');
}

function toDefaultCell({ type, default: usual, unset, unsetFor = {} }) {
  const others = Object.entries(unsetFor).map(([command, other]) => `; ${code(command)}: ${other}`);
  const text = `${unset ?? { true: 'on', false: 'off', undefined: '' }[usual] ?? usual}${others.join('')}`;
  return type.range === undefined ? text : `${text} (${type.range})`.trim();
}

function toHelpCell({ help, helpFor = {}, negation, default: usual }) {
  const commandsOf = (text) => Object.keys(helpFor).filter((command) => helpFor[command] === text);
  const special = [...new Set(Object.values(helpFor))].map(
    (text) => `${commandsOf(text).map(code).join(', ')}: ${text}`,
  );
  return [usual === true ? negation : help, ...special].join('; ');
}

function toSection([heading, rows]) {
  const isSettings = Object.keys(rows).every((name) => name in SETTINGS);
  const body = Object.entries(rows).map(([name, row]) => {
    const variables = variablesOf(name).map(code).join(', ');
    const commands = row.commands.join(', ');
    const cells = [
      toFlagsCell(name, row),
      variables,
      code(name),
      toDefaultCell(row),
      commands,
      toHelpCell(row),
    ];
    return isSettings ? cells : cells.filter((_, column) => column !== 2);
  });
  const head = ['Flag', 'Variable', 'Key', 'Default (range)', 'Commands', 'Description'];
  const shown = isSettings ? head : head.filter((_, column) => column !== 2);
  const title = isSettings ? heading : 'Flags without a key';
  return `\n## ${title}\n\n${toTable([shown, shown.map(() => '---'), ...body])}`;
}

const [flags, ...settings] = Object.entries(GROUPS);
const text = INTRODUCTION + [...settings, flags].map(toSection).join('');
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) throw new Error('docs/settings.md is stale; run npm run docs');
} else writeFileSync(target, text);
