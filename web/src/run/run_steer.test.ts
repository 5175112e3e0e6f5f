import { expect, it } from 'vitest';
import type { RunEvent } from '../api/types';
import { closedText, follow, newRun } from './run';

it('says which agents were ended, hurried and pinned', () => {
  const events: RunEvent[] = [
    { agent: -1, kind: 'run.started', token: 0, data: { mode: 'contemplating', agents: 3 } },
    ...[0, 1, 2].map((agent) => ({ agent, kind: 'agent.spawned', token: 0, data: { max_reasoning_tokens: 96 } })),
    { agent: 0, kind: 'agent.killed', token: 4, data: { reason: 'user', answer: '' } },
    { agent: 1, kind: 'agent.closed', token: 5, data: { forced_tokens: 3, by: 'user' } },
    { agent: 1, kind: 'agent.pinned', token: 6, data: {} },
    { agent: 2, kind: 'agent.closed', token: 96, data: { forced_tokens: 3 } },
  ].map((event, seq) => ({ ...event, seq }));
  const run = follow(newRun(), events, 0);
  expect(run.agents.map((agent) => [agent.state, agent.pinned, closedText(agent)])).toEqual([
    ['stopped', false, ''],
    ['reasoning', true, 'asked to answer'],
    ['reasoning', false, 'its budget was spent'],
  ]);
  expect(run.agents[0]?.finish).toBe('user');
});
