import { describe, expect, it } from 'vitest';
import { LogDirectoryNames } from '../../../../uploader/operations/run/log-directory-names.js';

describe('LogDirectoryNames', () => {
  it.each([
    ['of one writer', ['/w/runs/exp1'], ['']],
    ['below the first', ['/w/runs/exp1', '/w/runs/exp1/1700000000.25'], ['', '1700000000.25']],
    ['of Keras', ['/w/logs/train', '/w/logs/validation'], ['', 'validation']],
    ['elsewhere', ['/w/runs/exp1', '/w/other/logs/a'], ['', 'other/logs/a']],
    ['above the first', ['/w/runs/exp1', '/w/runs', '/w'], ['', 'runs', 'other']],
    ['with one name', ['/w/runs/x', '/w/runs/x/y', '/w/runs/y'], ['', 'y', 'y-2']],
    ['of the directory itself', ['/w', '/w/eval'], ['', 'eval']],
  ])('gives each log directory %s its own name', (_which, directories, names) => {
    const found = new LogDirectoryNames('/w');

    expect(directories.map((directory) => found.nameOf(directory))).toEqual(names);
    expect(directories.map((directory) => found.nameOf(directory))).toEqual(names);
  });
});
