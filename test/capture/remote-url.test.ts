import { describe, expect, it } from 'vitest';
import { stripCredentials, toBrowserUrl } from '../../src/capture/remote-url.js';

describe('stripCredentials', () => {
  it.each([
    ['https://github.com/acme/demo.git', 'https://github.com/acme/demo.git'],
    ['https://token123@github.com/acme/demo.git', 'https://github.com/acme/demo.git'],
    ['https://bob:p@ss@host:8443/acme/demo.git?private_token=x#y', 'https://host:8443/acme/demo.git'],
    ['http://host:8080/@scope/x.git', 'http://host:8080/@scope/x.git'],
    ['ssh://git@host:2222/acme/demo.git', 'ssh://git@host:2222/acme/demo.git'],
    ['ssh://git:secret@host/acme/demo.git', 'ssh://git@host/acme/demo.git'],
    ['git@github.com:acme/demo.git', 'git@github.com:acme/demo.git'],
    ['file:///srv/git/demo.git', 'file:///srv/git/demo.git'],
    ['../demo', '../demo'],
    ['C:\\repos\\demo', 'C:\\repos\\demo'],
  ])('turns %s into %s', (url, expected) => {
    expect(stripCredentials(url)).toBe(expected);
  });
});

describe('toBrowserUrl', () => {
  it.each([
    ['git@github.com:acme/demo.git', 'https://github.com/acme/demo'],
    ['git@github.com:me/me.github.io.git', 'https://github.com/me/me.github.io'],
    ['ssh://git@host:2222/acme/demo.git', 'https://host/acme/demo'],
    ['git+ssh://git@host/acme/demo', 'https://host/acme/demo'],
    ['https://github.com/acme/demo.git', 'https://github.com/acme/demo.git'],
    ['/srv/git/demo.git', '/srv/git/demo.git'],
    ['C:\\repos\\demo', 'C:\\repos\\demo'],
  ])('turns %s into %s', (url, expected) => {
    expect(toBrowserUrl(url)).toBe(expected);
  });
});
