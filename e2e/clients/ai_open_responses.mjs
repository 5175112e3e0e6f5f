// npm's ai with @ai-sdk/open-responses against responses: text, picture, tools, an object, streams, modes, cancel.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createOpenResponses } from '@ai-sdk/open-responses';
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from 'ai';

const url = process.env.MELETE_URL;
const melete = createOpenResponses({ name: 'melete', url: `${url}/v1/responses`, apiKey: process.env.MELETE_KEY ?? 'none' });
const shapes = [{ role: 'user', content: [
  { type: 'image', image: readFileSync(`${process.env.EXAMPLES}/shapes.png`), mediaType: 'image/png' },
  { type: 'text', text: 'How many shapes are there?' }] }];
const ask = (model, more) => ({ model: melete(model), temperature: 0, maxRetries: 0, ...more });

for (const model of ['melete-instant', 'melete-thinking', 'melete-contemplating']) {
  const whole = await generateText(ask(model, { messages: shapes }));
  assert.equal(whole.finishReason, 'stop');
  assert.equal(whole.reasoningText !== undefined, model !== 'melete-instant');
  assert(whole.usage.inputTokens > 0 && whole.usage.outputTokens > 0);
  const streamed = streamText(ask(model, { messages: shapes, providerOptions: { melete: { reasoningSummary: 'auto' } } }));
  let text = '';
  for await (const piece of streamed.textStream) text += piece;
  assert.equal(text, whole.text);
  assert.equal(await streamed.finishReason, 'stop');
  assert.equal((await streamed.reasoningText) !== undefined, model !== 'melete-instant');
}
assert.equal((await generateText(ask('melete-thinking', { messages: shapes }))).text, '4');

const weather = tool({
  description: 'The weather at a place',
  inputSchema: jsonSchema({ type: 'object', properties: { place: { type: 'string', maxLength: 20 } },
    required: ['place'], additionalProperties: false }),
  execute: async () => 'rain' });
const question = { prompt: 'How is the weather in Oslo?', tools: { weather } };
const called = await generateText(ask('melete-nano', { ...question, toolChoice: 'required' }));
assert.equal(called.finishReason, 'tool-calls');
assert.equal(typeof called.toolCalls[0].input.place, 'string');
assert.equal(called.toolResults[0].output, 'rain');
const stream = streamText(ask('melete-nano', { ...question, toolChoice: { type: 'tool', toolName: 'weather' } }));
assert.equal(typeof (await stream.toolCalls)[0].input.place, 'string');
const steps = await generateText(ask('melete-nano', { ...question, stopWhen: stepCountIs(2),
  prepareStep: ({ stepNumber }) => ({ toolChoice: stepNumber === 0 ? 'required' : 'none' }) }));
assert.equal(steps.steps.length, 2);

const schema = jsonSchema({ type: 'object', properties: { full: { type: 'boolean' } }, required: ['full'],
  additionalProperties: false });
const held = await generateText(ask('melete-nano', { prompt: 'Describe a cup.', output: Output.object({ schema }) }));
assert.equal(typeof held.output.full, 'boolean');

await assert.rejects(generateText(ask('gpt', { prompt: 'a' })), (error) => error.statusCode === 404);

const running = async () => Number((await (await fetch(`${url}/metrics`)).text()).match(/^melete_answers_running (\d+)/m)[1]);
const gone = new AbortController();
const long = streamText(ask('melete-contemplating', { prompt: 'How is the weather in Oslo?', temperature: 1,
  abortSignal: gone.signal, onError: () => {}, onAbort: () => {} }));
setTimeout(() => gone.abort(), 50);
await long.consumeStream({ onError: () => {} });
const deadline = Date.now() + 30_000;
while ((await running()) > 0) assert(Date.now() < deadline, 'an answer without a client must end');
