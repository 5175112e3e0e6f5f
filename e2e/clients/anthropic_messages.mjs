// npm's @anthropic-ai/sdk against messages: text, picture, sound, tools, streams, thinking, modes, cancel.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import Anthropic from '@anthropic-ai/sdk';

const url = process.env.MELETE_URL;
const client = new Anthropic({ baseURL: url, apiKey: process.env.MELETE_KEY ?? 'none', maxRetries: 0 });
const source = (name, media_type) =>
  ({ type: 'base64', media_type, data: readFileSync(`${process.env.EXAMPLES}/${name}`).toString('base64') });
const user = (text, ...blocks) => [{ role: 'user', content: [...blocks, { type: 'text', text }] }];
const ask = (model, messages, more = {}) => client.messages.create({ model, messages, max_tokens: 1024, ...more });
const text_of = (message) => message.content.filter((b) => b.type === 'text').map((b) => b.text).join('');
const metric = async (name) =>
  (await (await fetch(`${url}/metrics`)).text()).split('\n').filter((line) => line.startsWith(name))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);

const shapes = user('How many shapes are there?', { type: 'image', source: source('shapes.png', 'image/png') });
const digits = user('Which digits were said?', { type: 'audio', source: source('digits.wav', 'audio/wav') });
for (const [model, more, thinks] of [
  ['melete-instant', {}, false], ['melete-thinking', {}, true], ['melete-contemplating', { melete: { agents: 3 } }, true],
  ['melete-nano', { thinking: { type: 'adaptive' }, output_config: { effort: 'high' } }, true]]) {
  const message = await ask(model, digits, { temperature: 0, ...more });
  assert.equal(text_of(message), '593');
  assert.equal(message.content[0].type === 'thinking', thinks);
  const streamed = await client.messages.stream({ model, messages: digits, max_tokens: 1024, temperature: 0, ...more })
    .finalMessage();
  assert.deepEqual(streamed.content.map((b) => b.type), message.content.map((b) => b.type));
  assert.equal(text_of(streamed), '593');
  assert.equal(streamed.stop_reason, 'end_turn');
}
assert.equal(text_of(await ask('melete-thinking', shapes, { temperature: 0 })), '4');
assert((await client.messages.countTokens({ model: 'melete-nano', messages: digits })).input_tokens > 0);

const weather = { name: 'weather', input_schema: {
  type: 'object', properties: { place: { type: 'string', maxLength: 20 } }, required: ['place'],
  additionalProperties: false } };
const question = [{ role: 'user', content: 'How is the weather in Oslo?' }];
const must = { tools: [weather], tool_choice: { type: 'tool', name: 'weather' } };
const called = await ask('melete-nano', question, must);
assert.equal(called.stop_reason, 'tool_use');
assert.equal(typeof called.content.at(-1).input.place, 'string');
const pieces = await client.messages.stream({ model: 'melete-nano', messages: question, max_tokens: 1024, ...must })
  .finalMessage();
assert.equal(typeof pieces.content.at(-1).input.place, 'string');
const answered = await ask('melete-nano', [...question, { role: 'assistant', content: called.content }, { role: 'user',
  content: [{ type: 'tool_result', tool_use_id: called.content.at(-1).id, content: 'rain' }] }], { tools: [weather] });
assert(['end_turn', 'max_tokens', 'tool_use'].includes(answered.stop_reason));

await assert.rejects(ask('melete-nano', user('a', { type: 'image', source: { type: 'url', url: 'http://example.com/a.png' } })),
  (error) => error instanceof Anthropic.BadRequestError && error.error.error.type === 'invalid_request_error');

const finished = 'melete_answers_total{mode="contemplating",finish="cancelled"}';
const cancelled = await metric(finished);
const long = await ask('melete-contemplating', question, { max_tokens: 3000, stream: true, temperature: 1,
  melete: { agents: 32, budget_tokens: 64000, delta: 1e-6 } });
for await (const _ of long) break;
long.controller.abort();
const deadline = Date.now() + 30_000;
while ((await metric('melete_answers_running')) > 0) assert(Date.now() < deadline, 'an answer without a client must end');
assert.equal(await metric(finished), cancelled + 1);
