/** Checks that no promise is dropped: only `inBackground` lets go of one, and reports its failure. */

import { describe, expect, it } from 'vitest';
import { type Node, parse, sources, textOf } from './sources.js';

const HELPER = 'src/base/background.ts';

/** What drops a promise: `void work()`, and a statement such as `work().catch(report)`. `void` is not written for other calls. */
function findDropped(text: string): string[] {
  const syntax = parse(text);
  return syntax.nodes
    .filter(
      ([node]) => isVoid(node) || (node.type === 'ExpressionStatement' && isChain(node.expression as Node)),
    )
    .map(([node]) => textOf(syntax, node));
}

function isVoid({ type, operator, argument }: Node): boolean {
  if (type !== 'UnaryExpression' || operator !== 'void') return false;
  return /^(?:Call|Chain|Identifier|Member)/.test((argument as Node).type);
}

function isChain(expression: Node): boolean {
  if (expression.type === 'ChainExpression') return isChain(expression.expression as Node);
  const property = (expression.callee as Node | undefined)?.property as Node | undefined;
  return expression.type === 'CallExpression' && /^(?:then|catch|finally)$/.test(String(property?.name));
}

describe('a promise', () => {
  it('is found if it is dropped', () => {
    expect(findDropped('if (a) b(); else void this.work();')).toEqual(['void this.work()']);
    expect(findDropped('work?.start().catch(report);')).toEqual(['work?.start().catch(report);']);
    expect(findDropped('work.then(() => 1);')).toEqual(['work.then(() => 1);']);
    expect(findDropped('const done = work.catch(report); await work.catch(report);')).toEqual([]);
    expect(findDropped('each((run) => void drop(run)); void done;')).toEqual(['void drop(run)', 'void done']);
    expect(findDropped('const nothing = void 0;')).toEqual([]);
  });

  it('is dropped by inBackground only', () => {
    const dropped = [...sources].flatMap(([file, text]) =>
      findDropped(text).map((statement) => `${file}: ${statement}`),
    );

    expect(dropped).toEqual([`${HELPER}: work.catch(onFailure);`]);
  });
});
