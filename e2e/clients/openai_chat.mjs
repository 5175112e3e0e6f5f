// npm's openai against chat completions: text, picture, sound, tools, a schema, streams, modes, cancel.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import OpenAI from 'openai';

const url = process.env.MELETE_URL;
const base64 = (name) => readFileSync(`${process.env.EXAMPLES}/${name}`).toString('base64');
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: process.env.MELETE_KEY ?? 'none', maxRetries: 0 });
const user = (text, ...parts) => [{ role: 'user', content: [{ type: 'text', text }, ...parts] }];
const ask = (model, messages, more = {}, options) =>
  client.chat.completions.create({ model, messages, seed: 0, ...more }, options);
const metric = async (name) =>
  (await (await fetch(`${url}/metrics`)).text()).split('\n').filter((line) => line.startsWith(name))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);

const ids = [];
for await (const model of client.models.list()) ids.push(model.id);
assert(ids.includes('melete-contemplating') && ids.includes('melete-nano'), ids.join());

const shapes = user('How many shapes are there?', {
  type: 'image_url', image_url: { url: `data:image/png;base64,${base64('shapes.png')}` } });
const digits = user('Which digits were said?', {
  type: 'input_audio', input_audio: { data: base64('digits.wav'), format: 'wav' } });
for (const mode of ['instant', 'thinking', 'contemplating']) {
  const more = { melete: { agents: 3 } };
  const { message, finish_reason } = (await ask(`melete-${mode}`, digits, more)).choices[0];
  assert.equal(message.content, '593');
  assert.equal(finish_reason, 'stop');
  assert.equal(Boolean(message.reasoning_content), mode !== 'instant');
  let content = '', thought = '';
  for await (const chunk of await ask(`melete-${mode}`, digits, { ...more, stream: true })) {
    content += chunk.choices[0]?.delta.content ?? '';
    thought += chunk.choices[0]?.delta.reasoning_content ?? '';
  }
  assert.deepEqual([content, thought], [message.content, message.reasoning_content ?? '']);
}
assert.equal((await ask('melete-nano', shapes)).choices[0].message.content, '4');

const weather = { type: 'function', function: { name: 'weather', parameters: {
  type: 'object', properties: { place: { type: 'string', maxLength: 20 } }, required: ['place'],
  additionalProperties: false } } };
const question = [{ role: 'user', content: 'How is the weather in Oslo?' }];
const must = { tools: [weather], tool_choice: { type: 'function', function: { name: 'weather' } }, max_tokens: 900 };
const called = (await ask('melete-nano', question, must)).choices[0];
assert.equal(called.finish_reason, 'tool_calls');
const streamed = await client.chat.completions.stream({ model: 'melete-nano', messages: question, seed: 0, ...must })
  .finalMessage();
assert.deepEqual(JSON.parse(streamed.tool_calls[0].function.arguments),
                 JSON.parse(called.message.tool_calls[0].function.arguments));
assert.equal(streamed.tool_calls[0].id, called.message.tool_calls[0].id);
const answered = await ask('melete-instant', [...question, called.message,
  { role: 'tool', tool_call_id: called.message.tool_calls[0].id, content: 'rain' }], { tools: [weather], max_tokens: 100 });
assert(['stop', 'length', 'tool_calls'].includes(answered.choices[0].finish_reason));

const schema = { type: 'object', properties: { full: { type: 'boolean' } }, required: ['full'], additionalProperties: false };
const held = await client.chat.completions.parse({ model: 'melete-nano', messages: user('Describe a cup.'), temperature: 1.5,
  response_format: { type: 'json_schema', json_schema: { name: 'cup', strict: true, schema } } });
assert.equal(typeof JSON.parse(held.choices[0].message.content).full, 'boolean');

await assert.rejects(ask('melete-nano', user('a', { type: 'image_url', image_url: { url: 'http://example.com/a.png' } })),
  (error) => error instanceof OpenAI.BadRequestError && error.code === 'unsupported_url');

const finished = 'melete_answers_total{mode="contemplating",finish="cancelled"}';
const cancelled = await metric(finished);
const long = await ask('melete-contemplating', question, { temperature: 2, max_tokens: 3000, stream: true,
  melete: { agents: 32, budget_tokens: 64000, delta: 1e-6, events: true } });
for await (const _ of long) break;
long.controller.abort();
const deadline = Date.now() + 30_000;
while ((await metric('melete_answers_running')) > 0) assert(Date.now() < deadline, 'an answer without a client must end');
assert.equal(await metric(finished), cancelled + 1);
