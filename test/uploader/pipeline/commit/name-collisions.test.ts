import { describe, expect, it } from 'vitest';
import { NameCollisions } from '../../../../uploader/pipeline/commit/name-collisions.js';
import type { Inventory } from '../../../../uploader/pipeline/inventory/inventory.js';

const NAMES = ['Model.bin', 'model.bin', 'MODEL.BIN', 'model.txt', 'caf\u00e9', 'cafe\u0301'];
const inventory = {
  keyOf: (id: number) => `run/${NAMES[id]}`,
  relPathOf: (id: number) => NAMES[id],
} as unknown as Inventory;

describe('NameCollisions', () => {
  it('lets the first of the names that a store folds have it, for good, and names that one in each error', () => {
    const collisions = new NameCollisions(inventory);
    const find = () => NAMES.map((_, id) => collisions.findProblem(id)?.message ?? null);
    const expected = [
      ...[null, 'model.bin: the store treats its name as the same as Model.bin'],
      ...['MODEL.BIN: the store treats its name as the same as Model.bin', null],
      ...[null, 'cafe\u0301: the store treats its name as the same as caf\u00e9'],
    ];

    expect(find()).toEqual(expected);
    expect(find()).toEqual(expected);
    expect(collisions.findProblem(1)).toMatchObject({ code: 'ERR_NAME_TWIN', hint: 'Rename one of them.' });
  });
});
