/**
 * Where a run directory of ours differs from Python's after the same calls, and why. The table of docs/polyaxon.md is printed from here.
 */

export interface ListedDifference {
  /** Subjects of `compareDirectories`; `*` stands for any text, `{a,b}` for `a` and `b`. */
  readonly subjects: readonly string[];
  /** What Python's directory has there, and what ours has. */
  readonly theirs: string;
  readonly ours: string;
  readonly why: string;
}

export const LISTED_DIFFERENCES: readonly ListedDifference[] = [
  {
    subjects: ['outputs/tensorboard/*'],
    theirs: 'nothing',
    ours: 'event files',
    why: 'They are the source of all events; everything else is made of them.',
  },
  {
    subjects: ['system/tensorboard/*'],
    theirs: 'nothing',
    ours: 'event files',
    why: 'The same for system metrics. Not in `resources/`, where Polyaxon takes every file for a table.',
  },
  {
    subjects: ['.plx/*'],
    theirs: 'nothing',
    ours: 'heartbeat and end of each process',
    why: 'So that a run whose process was killed is known to be over. Never uploaded.',
  },
  {
    subjects: ['resources/metric/<more>.plx', 'lineages.plx.json: <more>.kind'],
    theirs: 'load, cpu, memory and GPUs',
    ours: 'disk, network, heap and event loop as well',
    why: 'What slows a Node process down is often one of these.',
  },
  {
    subjects: ['lineages.plx.json: noise.summary.metric.*'],
    theirs: 'the summary of the numbers as pandas reads them, some off in the last digits',
    ours: 'the summary of the numbers',
    why: 'Pandas reads numbers fast by its default; both are equal to 13 digits.',
  },
  {
    subjects: ['lineages.plx.json: tensorboard.*'],
    theirs: 'nothing',
    ours: 'an entry for `outputs/tensorboard`',
    why: 'Polyaxon offers TensorBoard for runs that have it.',
  },
  {
    subjects: [
      'events/{metric/,image/image-,text/text-}without-step.plx',
      'assets/image/image-without-step{,_0}.png',
      'lineages.plx.json: {,image-,text-}without-step.summary.step.{count,min,max}',
    ],
    theirs: 'no step, where none is given',
    ours: '0, 1, 2, … of each name',
    why: 'Event files have a step in every event, and TensorBoard keeps one value of each.',
  },
  {
    subjects: ['events/metric/whole-second.plx'],
    theirs: 'no fraction in a time on the whole second',
    ours: 'six digits always',
    why: 'Pandas cannot read a column in which the two are mixed, and the summary loses its times.',
  },
  {
    subjects: [
      'events/metric/{zone,no-zone}.plx',
      'lineages.plx.json: {zone,no-zone}.summary.timestamp.{min,max}',
    ],
    theirs: 'a time in the zone it is given in, or in none',
    ours: 'UTC; without a zone it is taken for UTC',
    why: 'One series with several zones does not sort, and event files have seconds since 1970.',
  },
  {
    subjects: ['events/curve/curve-with-bar.plx', 'lineages.plx.json: curve-with-bar.summary.*'],
    theirs: '`\\|` in a text of a CSV value',
    ours: '`\\u007c`',
    why: "`\\|` separates columns: Polyaxon's readers read the row wrong, or refuse the file.",
  },
  {
    subjects: ['events/curve/roc-zero.plx'],
    theirs: 'no annotation for an area of 0',
    ours: '`0.0`',
    why: '0 is an area like any other.',
  },
  {
    subjects: ['events/curve/negative-zero.plx'],
    theirs: '`-0.0` in a list',
    ours: '`0.0`',
    why: 'JavaScript writes −0 as 0 in JSON. Metrics keep it.',
  },
  {
    subjects: ['events/chart/plotly-by-default.plx'],
    theirs: "the figure with Plotly's default template written out",
    ours: 'the figure as it is given',
    why: "Plotly's script fills defaults in when it draws; the template is 6 kB in every event.",
  },
  {
    subjects: [
      'events/dataframe/frame-by-default.plx',
      'assets/dataframe/frame-by-default_1.{csv,V1ArtifactKind.CSV}',
    ],
    theirs: 'extension `V1ArtifactKind.CSV`, where no content type is given',
    ours: '`csv`',
    why: 'A slip of Python 3.11 and later in the name of the file.',
  },
  {
    subjects: ['events/audio/beep.plx'],
    theirs: 'of an audio file only its path',
    ours: 'sample rate, channels, length and type as well',
    why: "They are in the file's header.",
  },
  {
    subjects: ['events/image/picture.plx', 'assets/image/picture_1{,.v1}.png'],
    theirs: 'of an image file only its path; extension `v1.png` of `picture.v1.png`',
    ours: 'size and colour space as well; extension by the content',
    why: "They are in the file's header. Event files hold the image, not its name.",
  },
  {
    subjects: ['events/image/gray.plx'],
    theirs: 'colour space 3 for gray pixels',
    ours: 'colour space 1',
    why: 'The PNG has one channel, not the same three times; the pixels are equal.',
  },
  {
    subjects: ['events/image/rescaled.plx'],
    theirs: 'of a rescaled image the size before',
    ours: 'the size of the PNG',
    why: 'Readers lay the picture out by it.',
  },
  {
    subjects: ['assets/image/boxes_1.png'],
    theirs: 'boxes in pure red, two pixels wide',
    ours: 'a red that stays apart from eight colours of labels, one pixel for each 300',
    why: 'Boxes with labels have a colour for each label.',
  },
  {
    subjects: ['assets/video/frames_1.gif'],
    theirs: 'a GIF by moviepy (in the test by Pillow)',
    ours: 'a GIF by gifenc',
    why: 'Encoders choose their palettes and compression themselves.',
  },
  {
    subjects: ['assets/audio/tone_1.wav'],
    theirs: 'samples × 32,767, cut',
    ours: 'samples × 32,768, rounded',
    why: "As TensorFlow's `encode_wav`.",
  },
  {
    subjects: [
      'lineages.plx.json: {env,folder-model,folder,kept,kept-notes,model-ref,notes-ref,rows}.summary.hash',
    ],
    theirs: 'the first 12 digits of an MD5',
    ours: 'SHA-256',
    why: 'A hash that can prove what was uploaded.',
  },
  {
    subjects: ['lineages.plx.json: {folder-model,kept,kept-notes}.summary.size_bytes'],
    theirs: 'nothing',
    ours: 'the size of what was copied',
    why: 'To plan a download.',
  },
  {
    subjects: ['lineages.plx.json: {env,folder-model,kept,kept-notes}.summary.path'],
    theirs: 'absolute, on the machine that ran',
    ours: 'relative to the run directory',
    why: 'It stays true after an upload, and tells nothing of the machine.',
  },
  {
    subjects: ['lineages.plx.json: folder-model.summary.framework'],
    theirs: '`null` where no framework is given',
    ours: 'left out',
    why: 'Nothing is known of it.',
  },
  {
    subjects: ['run.plx.json: status_conditions.{0,1,3}.reason'],
    theirs: '`OfflineOperation`, `PolyaxonClient`',
    ours: '`Polytrack`',
    why: 'It tells who set the status.',
  },
];

/** The patterns of a listed difference, one for each alternative in braces. */
export function toPatterns({ subjects }: ListedDifference): string[] {
  return subjects.flatMap(expandBraces);
}

/** Whether a pattern is about a subject. */
export function isAbout(pattern: string, subject: string): boolean {
  const parts = pattern.split('*').map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(subject);
}

/** `a{b,c}d` as `abd` and `acd`. */
function expandBraces(glob: string): string[] {
  const [, before, alternatives, after] = /^(.*?)\{(.*?)\}(.*)$/.exec(glob) ?? [];
  if (alternatives === undefined) return [glob];
  return alternatives.split(',').flatMap((text) => expandBraces(`${before}${text}${after}`));
}

/** The table as Markdown. */
export function toMarkdown(differences: readonly ListedDifference[]): string {
  const rows = differences.map(({ subjects, theirs, ours, why }) => {
    const where = subjects.map((subject) => `\`${subject}\``).join(', ');
    return `| ${where} | ${theirs} | ${ours} | ${why} |`;
  });
  return ['| Where | Python | polytrack | Why |', '|---|---|---|---|', ...rows, ''].join('\n');
}
