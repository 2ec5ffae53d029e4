import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { OrderCounter } from '../../src/run-directory/order-counter.js';
import { createTempDir } from '../support/temp-dir.js';

let path: string;
beforeEach(() => {
  path = join(createTempDir(), '.plx/order');
});

describe('OrderCounter', () => {
  it('counts from 1, and appends a byte for each number', () => {
    const counter = new OrderCounter(path);

    expect([counter.next(0), counter.next(0), counter.next(0)]).toEqual([1, 2, 3]);
    expect(readFileSync(path, 'utf8')).toBe('...');
  });

  it('counts on above the numbers of other processes', () => {
    const [one, other] = [new OrderCounter(path), new OrderCounter(path)];

    expect([one.next(0), other.next(0), other.next(0), one.next(0)]).toEqual([1, 2, 3, 4]);
  });

  it('is above a number that is known from elsewhere, also for other processes', () => {
    const [one, other] = [new OrderCounter(path), new OrderCounter(path)];

    expect([one.next(41), other.next(0), one.next(10), one.next(43)]).toEqual([42, 43, 44, 45]);
    expect(statSync(path).size).toBe(45);
  });

  it('appends no more than one byte when the known number is absurd', () => {
    const counter = new OrderCounter(path);

    expect(counter.next(2 ** 40)).toBe(2 ** 40 + 1);
    expect(statSync(path).size).toBe(1);
    expect(counter.next(0)).toBe(2 ** 40 + 2);
  });

  it('closes a gap of a mebibyte, and no larger one', () => {
    new OrderCounter(path).next(1024 * 1024 - 1);
    expect(statSync(path).size).toBe(1024 * 1024);
    truncateSync(path, 0);

    new OrderCounter(path).next(1024 * 1024);
    expect(statSync(path).size).toBe(1);
  });

  it('never repeats a number of the same process when the disk fails', () => {
    const directory = createTempDir();
    writeFileSync(join(directory, 'file'), '');
    const counter = new OrderCounter(join(directory, 'file/order'));

    expect([counter.next(0), counter.next(7), counter.next(0)]).toEqual([1, 8, 9]);
  });
});
