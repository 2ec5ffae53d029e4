// Configuration of VitePress for the documentation site: `npm run site`.

const guide = (text, name) => ({ text, link: `/docs/guides/${name}` });
const page = (text, name) => ({ text, link: `/docs/${name}` });

/** The anchor that GitHub gives to a heading: links within the pages, and those that the command line prints, have this form. */
function toAnchor(title) {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
    .replaceAll(' ', '-');
}

// biome-ignore lint/style/noDefaultExport: VitePress reads the default export.
export default {
  title: 'polytrack',
  description: 'Experiment tracking for TypeScript and Node.js',
  cleanUrls: false,
  lastUpdated: false,
  rewrites: { 'README.md': 'index.md' },
  // Links to source files: the site has only pages.
  ignoreDeadLinks: [
    /^(?!.*\.(md|html)$).*$/,
    /\/(examples|deploy|scripts|test|fixtures|bench|src|uploader)\//,
  ],
  // The pages are plain Markdown, without HTML: <time> in a table is text.
  markdown: { config: (markdown) => markdown.set({ html: false }), anchor: { slugify: toAnchor } },
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'Guides', link: '/docs/guides/laptop' },
      { text: 'Reference', link: '/docs/tracking' },
      { text: 'API', link: '/api/README' },
    ],
    sidebar: [
      {
        text: 'Guides',
        items: [
          guide('On a laptop, with TensorBoard', 'laptop'),
          guide('Train offline and sync later', 'offline'),
          guide('Cluster and shared outputs', 'cluster'),
          guide('Python and other writers', 'other-writers'),
          guide('LLM and agent programs', 'llm'),
          guide('Coming from tensorboardX', 'from-tensorboardx'),
          guide("Coming from Polyaxon's client", 'from-polyaxon'),
          guide('Coming from wandb', 'from-wandb'),
          guide('Troubleshooting', 'troubleshooting'),
        ],
      },
      {
        text: 'Tracking',
        items: [
          page('Methods and options', 'tracking'),
          page('Runs and crashes', 'lifecycle'),
          page('Tracing', 'tracing'),
          page('TensorBoard', 'tensorboard'),
          page('Reading runs back', 'reading'),
          page('Names of the Python client', 'python-parity'),
          page('Errors', 'errors'),
        ],
      },
      {
        text: 'Uploader',
        items: [
          page('Commands', 'uploader'),
          page('Settings', 'settings'),
          page('Stores', 'stores'),
          page('Polyaxon', 'polyaxon'),
          page('Operations', 'operations'),
          page('Scale', 'scale'),
          page('Failures', 'failures'),
          page('Security', 'security'),
        ],
      },
      {
        text: 'Project',
        items: [
          page('Performance', 'performance'),
          page('Glossary', 'glossary'),
          page('Decisions', 'decisions/README'),
          { text: 'Architecture', link: '/ARCHITECTURE' },
          { text: 'Contributing', link: '/CONTRIBUTING' },
          { text: 'Changelog', link: '/CHANGELOG' },
        ],
      },
    ],
  },
};
