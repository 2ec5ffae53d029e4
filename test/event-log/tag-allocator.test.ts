import { describe, expect, it } from 'vitest';
import { TagAllocator, type TagSeries } from '../../src/event-log/tag-allocator.js';

const METRIC: TagSeries = { series: 'metric', pluginName: 'scalars' };
const IMAGE: TagSeries = { series: 'image', pluginName: 'images' };
const ROC: TagSeries = { series: 'roc', pluginName: 'images', previewOf: 'curve' };
const CONFUSION: TagSeries = { series: 'confusion', pluginName: 'images', previewOf: 'confusion' };

/** The tags that an earlier process has written, with their plugins. */
function createTags(known: Record<string, string> = {}) {
  const moved: string[] = [];
  const tags = new TagAllocator(
    { knows: (tag) => tag in known, pluginOf: (tag) => known[tag] ?? '' },
    (_, tag) => moved.push(tag),
  );
  const use = (series: TagSeries, name: string): string => {
    const tag = tags.tagOf(series, name);
    tags.claim(series, name, tag);
    return tag;
  };
  return { tags, use, moved };
}

describe('TagAllocator', () => {
  it('assigns a name to the first kind that uses it, and reports each other kind once', () => {
    const { use, moved } = createTags();

    expect([use(METRIC, 'x'), use(ROC, 'x'), use(IMAGE, 'x'), use(CONFUSION, 'x')]).toEqual([
      'x',
      'x (roc)',
      'x (image)',
      'x (confusion)',
    ]);
    expect([use(METRIC, 'x'), use(ROC, 'x')]).toEqual(['x', 'x (roc)']);
    expect(use(ROC, 'y')).toBe('y');
    expect(moved).toEqual(['x (roc)', 'x (image)', 'x (confusion)']);
  });

  it('does not reserve a name without a claim', () => {
    const { tags, use } = createTags();

    expect(tags.tagOf(METRIC, 'x')).toBe('x');
    expect(use(ROC, 'x')).toBe('x');
    expect(tags.tagOf(METRIC, 'x')).toBe('x (metric)');
  });

  it.each<[string, Record<string, string>, TagSeries, string]>([
    ['a name with a suffix', { x: 'scalars', 'x (roc)': 'images' }, ROC, 'x (roc)'],
    ['its unchanged name', { x: 'images', 'polyaxon/curve/x': 'polyaxon' }, ROC, 'x'],
    ['its unchanged name, without a known plugin', { x: '', 'polyaxon/curve/x': 'polyaxon' }, ROC, 'x'],
    ['its own kind', { x: 'scalars' }, METRIC, 'x'],
    ['its own kind, without a known plugin', { x: '' }, METRIC, 'x'],
  ])('keeps %s after a restart', (_, known, series, expected) => {
    expect(createTags(known).use(series, 'x')).toBe(expected);
  });

  it.each<[string, Record<string, string>, TagSeries, string]>([
    ['a metric', { x: 'scalars' }, ROC, 'x (roc)'],
    ['an image', { x: 'images' }, ROC, 'x (roc)'],
    ['the preview of another kind', { x: 'images', 'polyaxon/confusion/x': 'polyaxon' }, ROC, 'x (roc)'],
    ['a preview', { x: 'images', 'polyaxon/confusion/x': 'polyaxon' }, IMAGE, 'x (image)'],
    ['another plugin', { x: 'text' }, METRIC, 'x (metric)'],
  ])('avoids the tag of %s of an earlier process', (_, known, series, expected) => {
    expect(createTags(known).use(series, 'x')).toBe(expected);
  });

  it('keeps the name of an image if its previews have a suffix', () => {
    const known = { x: 'images', 'polyaxon/confusion/x': 'polyaxon', 'x (confusion)': 'images' };

    expect(createTags(known).use(IMAGE, 'x')).toBe('x');
    expect(createTags(known).use(CONFUSION, 'x')).toBe('x (confusion)');
  });
});
