import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../api/types';
import { follow, indexOfBytes, newRun, speaker } from './run';
import { callsText, piecesOf, timeText } from './steps';

let seq = 0;
const event = (agent: number, kind: string, token: number, data: Record<string, unknown>): RunEvent => ({ seq: seq++, agent, kind, token, data });
const say = (agent: number, token: number, text: string, channel = 'reasoning'): RunEvent => event(agent, 'agent.delta', token, { channel, text });

function counting(): RunEvent[] {
  seq = 0;
  return [
    event(-1, 'run.started', 0, { mode: 'thinking', effort: 'medium', agents: 8, seed: 7 }),
    event(0, 'agent.spawned', 0, { temperature: 0, max_reasoning_tokens: 192 }),
    say(0, 2, 'blue heart'),
    event(0, 'mark.added', 5, { kind: 'point', label: 'blue heart', at: [425, 225], text_bytes: 10, channel: 'reasoning' }),
    say(0, 6, ' no, “red” heart'),
    event(0, 'mark.added', 9, { kind: 'box', label: 'heart', at: [1, 2, 3, 4], text_bytes: 30, channel: 'reasoning' }),
    say(0, 12, 'One.', 'answer'),
    event(0, 'agent.finished', 13, { finish: 'stop', answer: 'One.', reasoning_tokens: 11, answer_tokens: 2 }),
    event(-1, 'meter', 0, { prompt_tokens: 5, reasoning_tokens: 11, answer_tokens: 2, total_s: 0.5, first_token_s: 0.1, prefill_s: 0.1 }),
    event(-1, 'run.completed', 0, { agent: 0, answer: 'One.', finish: 'stop' }),
  ];
}

describe('follow', () => {
  it('gives the same run however its events come', () => {
    const events = counting();
    const whole = follow(newRun(), events, 0);
    for (let size = 1; size < events.length; ++size) {
      let run = newRun();
      for (let at = 0; at < events.length; at += size) run = follow(run, events.slice(at, at + size), 0);
      expect(run).toEqual(whole);
    }
    expect(whole.agents[0]).toMatchObject({ answer: 'One.', state: 'done', reasoningTokens: 11 });
    expect(speaker(whole)?.id).toBe(0);
  });

  it('reads over what comes twice', () => {
    const events = counting();
    const once = follow(newRun(), events, 0);
    expect(follow(once, events, 0)).toEqual(once);
  });

  it('leaves agents alone that nothing is about', () => {
    seq = 0;
    const first = follow(newRun(), [event(0, 'agent.spawned', 0, {}), event(1, 'agent.spawned', 0, {})], 0);
    const second = follow(first, [say(1, 1, 'x')], 0);
    expect(second.agents[0]).toBe(first.agents[0]);
    expect(second.agents[1]).not.toBe(first.agents[1]);
    expect(first.agents[1]?.reasoning).toBe('');
  });

  it('counts votes and names the winner', () => {
    seq = 0;
    const events = [
      event(-1, 'run.started', 0, { mode: 'contemplating', agents: 2, seed: 1 }),
      event(0, 'agent.spawned', 0, {}),
      event(1, 'agent.spawned', 0, {}),
      event(0, 'vote.updated', 3, { counts: { 85: 1 }, e_value: 1.6, certified: false }),
      event(1, 'vote.updated', 3, { counts: { 85: 2 }, e_value: 2.7, certified: false }),
    ];
    const voting = follow(newRun(), events, 0);
    expect(voting.votes).toEqual({ 85: 2 });
    expect(speaker(voting)).toBeUndefined();
    const decided = follow(voting, [event(-1, 'decision', 0, { rule: 'complete', agent: 1, e_value: 2.7 }), event(-1, 'run.completed', 0, { agent: 1 })], 0);
    expect(speaker(decided)?.id).toBe(1);
  });
});

describe('places in text', () => {
  it('turns bytes into UTF-16 units', () => {
    expect(indexOfBytes('abc', 2)).toBe(2);
    expect(indexOfBytes('“red”', 3)).toBe(1);
    expect(indexOfBytes('😀x', 4)).toBe(2);
    expect(indexOfBytes('ab', 9)).toBe(2);
  });
  it('makes pieces of labels', () => {
    const agent = follow(newRun(), counting(), 0).agents[0]!;
    expect(piecesOf(agent.reasoning, agent.marks)).toEqual([
      { text: 'blue heart', mark: 0 },
      { text: ' no, “red” ', mark: -1 },
      { text: 'heart', mark: 1 },
    ]);
  });
  it('keeps all the text, whatever the marks say', () => {
    const mark = (label: string, end: number) => ({ kind: 'point' as const, label, on: '', at: [1, 2], end, channel: 'reasoning' });
    for (const marks of [[mark('zz', 3)], [mark('long label', 2)], [mark('c', 3), mark('b', 2)], [mark('x', 99)]])
      expect(piecesOf('abcdef', marks).map((piece) => piece.text).join('')).toBe('abcdef');
  });
});

describe('what agents took', () => {
  it('has the calls of each, and says them in words', () => {
    seq = 0;
    const run = follow(
      newRun(),
      [
        event(-1, 'run.started', 0, { mode: 'contemplating', agents: 2 }),
        event(0, 'agent.spawned', 0, {}),
        event(1, 'agent.spawned', 0, {}),
        event(1, 'agent.tool_call', 4, { name: 'look', arguments: { at: 'milk' } }),
        event(1, 'agent.tool_call', 9, { name: 'now', arguments: {} }),
      ],
      0,
    );
    expect(run.agents.map((agent) => agent.calls.map((call) => call.name))).toEqual([[], ['look', 'now']]);
    expect(run.agents.map((agent) => callsText(agent.calls.length))).toEqual(['', '2 tool calls']);
    expect([0.0123, 0.94, 0.96, 12.34].map(timeText)).toEqual(['12 ms', '940 ms', '1.0 s', '12.3 s']);
  });
});
