// Formats the results of a benchmark.

const TIMES = [
  [1e9, 's'],
  [1e6, 'ms'],
  [1e3, 'µs'],
  [1, 'ns'],
];

/** Formats a value of a metric with its unit; times are given in nanoseconds. */
export function formatValue(value, unit) {
  if (value === undefined || Number.isNaN(value)) return '–';
  if (unit === 'ns') {
    const [size, name] = TIMES.find(([least]) => value >= least) ?? TIMES.at(-1);
    return `${formatNumber(value / size)} ${name}`;
  }
  return `${formatNumber(value)} ${unit}`.trim();
}

export function formatNumber(value) {
  if (value >= 10_000) return Math.round(value).toLocaleString('en-US');
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** Formats one benchmark: a Markdown table for each metric, then the targets. */
export function formatContest({ title, note, metrics, results, targets, rounds }) {
  const lines = ['', `### ${title}`, ''];
  if (note !== undefined) lines.push(note, '');
  for (const { key, label, unit, rate } of metrics) {
    const shown = results.filter(
      ({ figures, problem }) => figures[key] !== undefined || problem !== undefined,
    );
    const ours = shown.find(({ isOurs }) => isOurs)?.figures[key]?.median;
    const head = [label, 'min', 'median', ...(rate === undefined ? [] : [rate]), 'ratio', 'rounds'];
    const rows = shown.map(({ name, version, problem, figures, rounds: run }) => {
      const called = version === undefined ? name : `${name} ${version}`;
      const figure = figures[key];
      if (figure === undefined)
        return [`${called} (unavailable: ${problem})`, ...head.slice(1).map(() => '–')];
      const perSecond = rate === undefined ? [] : [formatNumber(1e9 / figure.median)];
      const ratio = ours === undefined ? '–' : `${formatNumber(figure.median / ours)} ×`;
      return [
        called,
        formatValue(figure.min, unit),
        formatValue(figure.median, unit),
        ...perSecond,
        ratio,
        `${run}`,
      ];
    });
    lines.push(...formatTable([head, ...rows]), '');
  }
  lines.push(...targets.map((target) => formatTarget(target, metrics)), `Rounds: ${rounds}.`);
  return lines.join('\n');
}

function formatTable(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length), 3));
  const toLine = (cells) =>
    `| ${cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const [head, ...body] = rows;
  const rule = `|${widths.map((width, i) => (i === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [toLine(head), rule, ...body.map(toLine)];
}

function formatTarget({ metric, against, of, atLeast, atMost, found, isMet }, metrics) {
  const { label, unit } = metrics.find(({ key }) => key === metric);
  const verdict = isMet ? 'met' : Number.isNaN(found) || found === undefined ? 'not measured' : 'MISSED';
  if (against === undefined) {
    const who = of === undefined ? '' : ` of ${of}`;
    return `- ${label}${who}: at most ${formatValue(atMost, unit)}; found ${formatValue(found, unit)}: ${verdict}`;
  }
  const wanted =
    atLeast < 1 ? `at most ${formatNumber(1 / atLeast)} × the time of ${against}` : `${atLeast} × ${against}`;
  const shown = atLeast < 1 ? `${formatNumber(1 / found)} ×` : `${formatNumber(found)} ×`;
  return `- ${label}${of === undefined ? '' : ` of ${of}`}: ${wanted}; found ${shown}: ${verdict}`;
}
