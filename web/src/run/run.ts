// A run as its events tell it: what the answer, its reasoning, its marks and the panel of agents are drawn from.
// The same events from the log give the same run, so that what is shown live can be shown again.
import type { RunEvent } from '../api/types';

export interface Mark {
  kind: 'box' | 'point';
  label: string;
  on: string; // the picture that the text named last, as "picture 2"; empty: none
  at: number[]; // thousandths of the picture's width and height: [x, y] or [x_min, y_min, x_max, y_max]
  end: number; // where its label ends in the text of its channel, in UTF-16 units
  channel: string;
}

export type AgentState = 'reasoning' | 'answering' | 'done' | 'stopped';

export interface Agent {
  id: number;
  state: AgentState;
  reasoning: string;
  commentary: string;
  answer: string;
  tokens: number;
  reasoningTokens: number;
  answerTokens: number;
  maxReasoning: number;
  temperature: number;
  marks: Mark[];
  calls: { name: string; arguments: unknown }[];
  finish: string;
  closedBy: string; // what ended its reasoning for it: "budget", "deadline", "user"; empty: nothing
  pinned: boolean; // its answer is to win
  // By the clock of this page; 0 in a run from the log.
  began: number;
  reasoned: number;
  ended: number;
}

export interface Run {
  mode: string;
  effort: string;
  planned: number;
  seed: number;
  agents: Agent[];
  votes: Record<string, number>;
  eValue: number;
  certified: boolean;
  decision: { rule: string; agent: number } | null;
  meter: { prompt: number; reasoning: number; answer: number; prefill: number; first: number; total: number } | null;
  winner: number; // whose answer it is; -1: not known yet
  failure: string;
  over: boolean;
  last: number; // seq of the last event
  began: number;
}

export const newRun = (began = 0): Run => ({
  mode: '',
  effort: '',
  planned: 1,
  seed: 0,
  agents: [],
  votes: {},
  eValue: 0,
  certified: false,
  decision: null,
  meter: null,
  winner: -1,
  failure: '',
  over: false,
  last: -1,
  began,
});

const text = (data: Record<string, unknown>, name: string): string => (typeof data[name] === 'string' ? data[name] : '');
const number = (data: Record<string, unknown>, name: string): number => (typeof data[name] === 'number' ? data[name] : 0);

// Marks give places in text as UTF-8 bytes.
export function indexOfBytes(written: string, bytes: number): number {
  let index = 0;
  for (let seen = 0; index < written.length && seen < bytes; ) {
    const code = written.codePointAt(index) ?? 0;
    seen += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    index += code < 0x10000 ? 1 : 2;
  }
  return index;
}

const newAgent = (id: number, data: Record<string, unknown>, now: number): Agent => ({
  id,
  state: number(data, 'max_reasoning_tokens') > 0 ? 'reasoning' : 'answering',
  reasoning: '',
  commentary: '',
  answer: '',
  tokens: 0,
  reasoningTokens: 0,
  answerTokens: 0,
  maxReasoning: number(data, 'max_reasoning_tokens'),
  temperature: number(data, 'temperature'),
  marks: [],
  calls: [],
  finish: '',
  closedBy: '',
  pinned: false,
  began: now,
  reasoned: 0,
  ended: 0,
});

function written(agent: Agent, channel: string): string {
  return channel === 'reasoning' ? agent.reasoning : channel === 'answer' ? agent.answer : agent.commentary;
}

function write(agent: Agent, data: Record<string, unknown>, now: number): void {
  const channel = text(data, 'channel');
  if (channel === 'reasoning') agent.reasoning += text(data, 'text');
  else if (channel === 'commentary') agent.commentary += text(data, 'text');
  else if (channel === 'answer') agent.answer += text(data, 'text');
  if (channel === 'reasoning') agent.reasoningTokens = agent.tokens;
  if (channel !== 'reasoning' && agent.state === 'reasoning') {
    agent.state = 'answering';
    agent.reasoned = now;
  }
}

function ofAgent(agent: Agent, event: RunEvent, now: number): void {
  const data = event.data;
  agent.tokens = Math.max(agent.tokens, event.token);
  switch (event.kind) {
    case 'agent.delta':
      write(agent, data, now);
      break;
    case 'agent.tool_call':
      agent.calls = [...agent.calls, { name: text(data, 'name'), arguments: data['arguments'] }];
      break;
    case 'mark.added': {
      const channel = text(data, 'channel');
      const end = indexOfBytes(written(agent, channel), number(data, 'text_bytes'));
      const kind = data['kind'] === 'box' ? 'box' : 'point';
      agent.marks = [...agent.marks, { kind, label: text(data, 'label'), on: text(data, 'on'), at: (data['at'] as number[]) ?? [], end, channel }];
      break;
    }
    case 'agent.closed':
      agent.closedBy = text(data, 'by') || 'budget';
      break;
    case 'agent.pinned':
      agent.pinned = true;
      break;
    case 'agent.finished':
    case 'agent.killed':
      agent.state = event.kind === 'agent.finished' ? 'done' : 'stopped';
      agent.answer = text(data, 'answer') || agent.answer;
      agent.finish = text(data, 'finish') || text(data, 'reason');
      if (event.kind === 'agent.finished') {
        agent.reasoningTokens = number(data, 'reasoning_tokens');
        agent.answerTokens = number(data, 'answer_tokens');
      }
      agent.ended = now;
      break;
  }
}

function ofRun(run: Run, event: RunEvent): void {
  const data = event.data;
  switch (event.kind) {
    case 'run.started':
      run.mode = text(data, 'mode');
      run.effort = text(data, 'effort');
      run.planned = run.mode === 'contemplating' ? number(data, 'agents') : 1;
      run.seed = number(data, 'seed');
      break;
    case 'vote.updated':
      run.votes = (data['counts'] as Record<string, number>) ?? {};
      run.eValue = number(data, 'e_value');
      run.certified = data['certified'] === true;
      break;
    case 'decision':
      run.decision = { rule: text(data, 'rule'), agent: number(data, 'agent') };
      run.eValue = number(data, 'e_value');
      run.certified = data['certified'] === true;
      break;
    case 'meter':
      run.meter = {
        prompt: number(data, 'prompt_tokens'),
        reasoning: number(data, 'reasoning_tokens'),
        answer: number(data, 'answer_tokens'),
        prefill: number(data, 'prefill_s'),
        first: number(data, 'first_token_s'),
        total: number(data, 'total_s'),
      };
      break;
    case 'run.completed':
      run.winner = number(data, 'agent');
      run.over = true;
      break;
    case 'run.failed':
      run.failure = text(data, 'message');
      run.over = true;
      break;
  }
}

// Why reasoning was ended for an agent, in a few words.
export function closedText(agent: Agent | undefined): string {
  const reasons: Record<string, string> = { budget: 'its budget was spent', deadline: 'time was short', user: 'asked to answer' };
  return reasons[agent?.closedBy ?? ''] ?? '';
}

// The run after these events. Agents that none of them is about stay the same objects.
export function follow(run: Run, events: RunEvent[], now: number): Run {
  const next: Run = { ...run, agents: [...run.agents] };
  const fresh = new Set<number>();
  for (const event of events) {
    if (event.seq <= next.last) continue; // a connection that was made again may repeat some
    next.last = event.seq;
    if (event.kind === 'agent.spawned') {
      next.agents[event.agent] = newAgent(event.agent, event.data, now);
      fresh.add(event.agent);
      continue;
    }
    const agent = event.agent >= 0 ? next.agents[event.agent] : undefined;
    if (agent && !event.kind.startsWith('vote')) {
      const own = fresh.has(agent.id) ? agent : (next.agents[agent.id] = { ...agent });
      fresh.add(agent.id);
      ofAgent(own, event, now);
    } else {
      ofRun(next, event);
    }
  }
  return next;
}

// The agent whose words are shown: the winner, or while it isn't known the one that runs alone.
export const speaker = (run: Run): Agent | undefined =>
  run.winner >= 0 ? run.agents[run.winner] : run.planned === 1 ? run.agents[0] : undefined;
