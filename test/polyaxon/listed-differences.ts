/** Differences between the run directories of polytrack and Python after the same calls, with reasons: the table of docs/polyaxon.md. */

export interface ListedDifference {
  /** Subjects of `compareDirectories`; `*` matches any text, and `{a,b}` matches `a` and `b`. */
  readonly subjects: readonly string[];
  /** The content of Python's directory and of polytrack's. */
  readonly theirs: string;
  readonly ours: string;
  readonly why: string;
}

export const LISTED_DIFFERENCES: readonly ListedDifference[] = [
  {
    subjects: ['outputs/tensorboard/*'],
    theirs: 'nothing',
    ours: 'event files',
    why: 'They are the source of all events; all other event data is generated from them.',
  },
  {
    subjects: ['system/tensorboard/*'],
    theirs: 'nothing',
    ours: 'event files, under names that TensorBoard ignores',
    why: 'The same for system metrics. They are not in `resources/`, because Polyaxon reads every file there as a table.',
  },
  {
    subjects: ['.plx/*'],
    theirs: 'nothing',
    ours: 'heartbeat and end marker of each process',
    why: 'They show that a run whose process was killed has ended. Never uploaded.',
  },
  {
    subjects: ['resources/metric/<more>.plx', 'lineages.plx.json: <more>.kind'],
    theirs: 'load, cpu, memory and GPUs',
    ours: 'also disk, network, heap and event loop',
    why: 'One of these is often the reason why a Node.js process is slow.',
  },
  {
    subjects: ['lineages.plx.json: noise.summary.metric.*'],
    theirs: 'the summary of the numbers that pandas reads, some of which differ in the last digits',
    ours: 'the summary of the numbers',
    why: 'By default, pandas trades precision for speed; both are equal to 13 digits.',
  },
  {
    subjects: ['lineages.plx.json: tensorboard.*'],
    theirs: 'nothing',
    ours: 'an entry for `outputs/tensorboard`',
    why: 'Polyaxon offers TensorBoard for runs with this entry.',
  },
  {
    subjects: [
      'events/{metric/,image/image-,text/text-}without-step.plx',
      'assets/image/image-without-step{,_0}.png',
      'lineages.plx.json: {,image-,text-}without-step.summary.step.{count,min,max}',
    ],
    theirs: 'no step if none is given',
    ours: '0, 1, 2, … for each name',
    why: 'Every event of an event file has a step, and TensorBoard keeps one value per step.',
  },
  {
    subjects: ['events/metric/whole-second.plx'],
    theirs: 'no fraction if the time is a whole second',
    ours: 'always six digits',
    why: 'Pandas cannot read a column that mixes both forms, and the summary loses its times.',
  },
  {
    subjects: [
      'events/metric/{zone,no-zone}.plx',
      'lineages.plx.json: {zone,no-zone}.summary.timestamp.{min,max}',
    ],
    theirs: 'a time in the time zone that was given, or without one',
    ours: 'UTC; a time without a time zone counts as UTC',
    why: 'A series with several time zones cannot be sorted, and event files store seconds since 1970.',
  },
  {
    subjects: ['events/curve/curve-with-bar.plx', 'lineages.plx.json: curve-with-bar.summary.*'],
    theirs: '`\\|` in a text of a CSV value',
    ours: '`\\u007c`',
    why: "`\\|` separates columns: Polyaxon's readers misread the row or reject the file.",
  },
  {
    subjects: ['events/curve/roc-zero.plx'],
    theirs: 'no annotation for an area of 0',
    ours: '`0.0`',
    why: '0 is a valid area.',
  },
  {
    subjects: ['events/curve/negative-zero.plx'],
    theirs: '`-0.0` in a list',
    ours: '`0.0`',
    why: 'JavaScript writes −0 as 0 in JSON. Metrics keep −0.',
  },
  {
    subjects: ['events/chart/plotly-by-default.plx'],
    theirs: "the figure with Plotly's default template written out",
    ours: 'the figure that was given',
    why: "Plotly's script fills in the defaults when it draws; the template would add 6 kB to every event.",
  },
  {
    subjects: [
      'events/dataframe/frame-by-default.plx',
      'assets/dataframe/frame-by-default_1.{csv,V1ArtifactKind.CSV}',
    ],
    theirs: 'extension `V1ArtifactKind.CSV` if no content type is given',
    ours: '`csv`',
    why: 'With Python 3.11 and later, the Python client uses the wrong file name.',
  },
  {
    subjects: ['events/audio/beep.plx'],
    theirs: 'only the path of an audio file',
    ours: 'also sample rate, channels, length and type',
    why: 'The header of the file contains them.',
  },
  {
    subjects: ['events/image/photo.plx', 'assets/image/photo_1{,.v1}.png'],
    theirs: 'only the path of an image file; extension `v1.png` for `photo.v1.png`',
    ours: 'also size and colour space; extension from the content',
    why: 'The header of the file contains them. Event files contain the image, not its name.',
  },
  {
    subjects: ['events/image/gray.plx'],
    theirs: 'colour space 3 for gray pixels',
    ours: 'colour space 1',
    why: 'The PNG has one channel instead of three equal ones; the pixels are equal.',
  },
  {
    subjects: ['events/image/rescaled.plx'],
    theirs: 'the original size of a rescaled image',
    ours: 'the size of the PNG',
    why: 'Readers use it for the layout.',
  },
  {
    subjects: ['assets/image/boxes_1.png'],
    theirs: 'boxes in pure red, two pixels wide',
    ours: 'a red that differs from the eight label colours, one pixel wide per 300 pixels of the image',
    why: 'Boxes with labels have one colour per label.',
  },
  {
    subjects: ['assets/video/frames_1.gif'],
    theirs: 'a GIF by moviepy (in the test by Pillow)',
    ours: 'a GIF by gifenc',
    why: 'Each encoder chooses its own palette and compression.',
  },
  {
    subjects: ['assets/audio/tone_1.wav'],
    theirs: 'samples × 32,767, truncated',
    ours: 'samples × 32,768, rounded',
    why: "TensorFlow's `encode_wav` does the same.",
  },
  {
    subjects: [
      'lineages.plx.json: {env,folder-model,folder,kept,kept-notes,model-ref,notes-ref,rows}.summary.hash',
    ],
    theirs: 'the first 12 digits of an MD5',
    ours: 'SHA-256',
    why: 'SHA-256 can prove what was uploaded.',
  },
  {
    subjects: ['lineages.plx.json: {folder-model,kept,kept-notes}.summary.size_bytes'],
    theirs: 'nothing',
    ours: 'the size of the copied files',
    why: 'It helps to plan a download.',
  },
  {
    subjects: ['lineages.plx.json: {env,folder-model,kept,kept-notes}.summary.path'],
    theirs: 'absolute, on the machine that ran',
    ours: 'relative to the run directory',
    why: 'It stays valid after an upload and reveals nothing about the machine.',
  },
  {
    subjects: ['lineages.plx.json: folder-model.summary.framework'],
    theirs: '`null` if no framework is given',
    ours: 'absent',
    why: 'The framework is unknown.',
  },
  {
    subjects: ['run.plx.json: status_conditions.{0,1,3}.reason'],
    theirs: '`OfflineOperation`, `PolyaxonClient`',
    ours: '`Polytrack`',
    why: 'It says which program set the status.',
  },
];

/** Returns the patterns of a listed difference, one for each alternative in braces. */
export function toPatterns({ subjects }: ListedDifference): string[] {
  return subjects.flatMap(expandBraces);
}

/** Returns whether a pattern matches a subject. */
export function isAbout(pattern: string, subject: string): boolean {
  const parts = pattern.split('*').map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(subject);
}

/** Expands `a{b,c}d` to `abd` and `acd`. */
function expandBraces(glob: string): string[] {
  const [, before, alternatives, after] = /^(.*?)\{(.*?)\}(.*)$/.exec(glob) ?? [];
  if (alternatives === undefined) return [glob];
  return alternatives.split(',').flatMap((text) => expandBraces(`${before}${text}${after}`));
}

/** Returns the table as Markdown. */
export function toMarkdown(differences: readonly ListedDifference[]): string {
  const rows = differences.map(({ subjects, theirs, ours, why }) => {
    const where = subjects.map((subject) => `\`${subject}\``).join(', ');
    return `| ${where} | ${theirs} | ${ours} | ${why} |`;
  });
  return ['| Where | Python | polytrack | Why |', '|---|---|---|---|', ...rows, ''].join('\n');
}
