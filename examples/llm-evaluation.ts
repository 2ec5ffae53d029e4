/** Evaluates a model on questions, with a trace of each answer: node build/examples/llm-evaluation.js [root]. The model is a mock. */

import { readFile } from 'node:fs/promises';
import { generateText } from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { Run } from 'polytrack';

const run = new Run({
  root: process.argv[2],
  name: 'llm-evaluation',
  traceMetrics: { prices: { 'mock-1': { input: 1, output: 4 } } }, // for 1,000,000 tokens
});
run.logInputs({ model: 'mock-1', dataset: 'README.md' });

/** Answers with the sentence of the prompt that has most words of the question, as a real model could. */
const model = new MockLanguageModelV3({
  modelId: 'mock-1',
  doGenerate: async ({ prompt }) => {
    const [context = '', question = ''] = JSON.stringify(prompt).split('QUESTION');
    const words = question.toLowerCase().match(/[a-z]{5,}/g) ?? [];
    const overlap = (text: string) => words.filter((word) => text.toLowerCase().includes(word)).length;
    const text = context
      .split(/[.\n]|\\n/)
      .reduce((best, each) => (overlap(each) > overlap(best) ? each : best), '');
    return {
      content: [{ type: 'text', text }],
      finishReason: { unified: 'stop', raw: 'stop' },
      usage: {
        inputTokens: {
          total: Math.ceil(context.length / 4),
          noCache: undefined,
          cacheRead: undefined,
          cacheWrite: undefined,
        },
        outputTokens: { total: Math.ceil(text.length / 4), text: undefined, reasoning: undefined },
      },
      warnings: [],
    };
  },
});

const document = await readFile('README.md', 'utf8');
const retrieve = run.traced(
  (question: string) => document.split('\n\n').filter((part) => overlaps(part, question)),
  {
    name: 'retrieve',
    kind: 'retriever',
  },
);
const overlaps = (part: string, text: string) =>
  text.split(' ').some((word) => word.length > 5 && part.includes(word));

const questions = [
  { question: 'Which command uploads the runs?', expected: 'sync' },
  { question: 'Which program shows event files?', expected: 'TensorBoard' },
  { question: 'Which license does the package have?', expected: 'Apache' },
];
let correct = 0;
for (const [step, { question, expected }] of questions.entries()) {
  await run.trace('answer', { kind: 'agent', session: 'evaluation', inputs: { question } }, async (span) => {
    const context = retrieve(question).join('\n\n');
    const text = await run.trace('complete', { kind: 'llm' }, async (call) => {
      const result = await generateText({ model, prompt: `${context}\nQUESTION ${question}` });
      const { inputTokens, outputTokens } = result.usage;
      call.setUsage({ inputTokens, outputTokens, model: 'mock-1', provider: 'mock' });
      return result.text;
    });
    const score = text.includes(expected) ? 1 : 0;
    span.addScore('correct', score, { explanation: `expected ${expected}` });
    span.setOutput('answer', text);
    correct += score;
    run.logMetric('correct', score, { step });
  });
}
run.logOutputs({ accuracy: correct / questions.length });
await run.end();
console.log(run.paths.run);
