// What answers of each mode took lately, and so what the next will take about. Of Contemplating, an agent's share.
import { untrack } from 'svelte';
import type { Details } from '../api/types';
import { send } from '../api/client';
import { parseMetrics } from '../developer/metrics';
import { modes } from './modes';
import type { Effort, Mode } from './settings.svelte';

interface Taken {
  tokens: number;
  answer: number; // tokens of the answer among them
  seconds: number;
}
export interface Estimate {
  tokens: number;
  seconds: number;
  guessed: boolean; // from other modes, since this one wasn't used yet
}
export type How = { agents: number; effort: Effort };

const kMost = 20;
const kUsualAnswer = 20; // tokens, where nothing was answered yet
// Tokens that an agent may reason, as the server has it.
const kBudgets: Record<Effort, number> = { minimal: 32, low: 96, medium: 192, high: 384, xhigh: 768 };

const middle = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;

export class Estimates {
  private all = $state.raw<Partial<Record<Mode, Taken[]>>>({});
  serverSpeed = $state(0); // tokens a second of one agent; 0: nothing is known

  constructor(kept: string | null) {
    try {
      this.all = JSON.parse(kept ?? '{}') as Partial<Record<Mode, Taken[]>>;
    } catch {
      this.all = {};
    }
  }

  add(mode: Mode, details: Details, agents: number): string {
    const share = mode === 'contemplating' ? Math.max(1, agents) : 1;
    const { reasoning, answer } = details.tokens;
    const taken = { tokens: (reasoning + answer) / share, answer: answer / share, seconds: details.timings.total_s / share };
    this.all = { ...this.all, [mode]: [taken, ...(this.all[mode] ?? [])].slice(0, kMost) };
    return JSON.stringify(this.all);
  }

  get isEmpty(): boolean {
    return !Object.values(this.all).some((list) => list.length);
  }

  // Null: nothing is known.
  of(mode: Mode, { agents, effort }: How): Estimate | null {
    const share = mode === 'contemplating' ? agents : 1;
    const known = this.middleOf(mode);
    if (known) return { tokens: known.tokens * share, seconds: known.seconds * share, guessed: false };
    const speed = this.speed();
    if (!speed) return null;
    const tokens = this.agentTokens(mode, effort) * share;
    return { tokens, seconds: tokens / speed, guessed: true };
  }

  private middleOf(mode: Mode): Taken | null {
    const list = this.all[mode];
    if (!list?.length) return null;
    const of = (value: (each: Taken) => number): number => middle(list.map(value));
    return { tokens: of((each) => each.tokens), answer: of((each) => each.answer ?? each.tokens), seconds: of((each) => each.seconds) };
  }

  // Of one agent in a mode that wasn't used yet: what one took in the other mode that reasons, or its whole budget.
  private agentTokens(mode: Mode, effort: Effort): number {
    const reasoned = this.middleOf('thinking') ?? this.middleOf('contemplating');
    const answer = (this.middleOf('instant') ?? reasoned)?.answer ?? kUsualAnswer;
    return mode === 'instant' ? answer : (reasoned?.tokens ?? kBudgets[effort] + answer);
  }

  // Tokens a second: agents beside each other are quicker than that.
  private speed(): number {
    for (const mode of ['thinking', 'instant', 'contemplating'] as const) {
      const known = this.middleOf(mode);
      if (known?.seconds) return known.tokens / known.seconds;
    }
    return this.serverSpeed;
  }
}

export const estimates = new Estimates(localStorage.getItem('taken'));

export function noteTaken(mode: Mode, details: Details, agents: number): void {
  localStorage.setItem('taken', estimates.add(mode, details, agents));
}

// Before the first answer here, how quick the server was for others. Who may not read that goes without.
export async function learnSpeed(): Promise<void> {
  if (!untrack(() => estimates.isEmpty)) return; // an effect that calls this is not to run again after each answer
  try {
    const values = parseMetrics(await (await send('GET', '/metrics')).text());
    const step = values.get('melete_engine_step_seconds_p50') ?? 0;
    if (step > 0) estimates.serverSpeed = 1 / step; // a step gives an agent one token, however many there are
  } catch {
    // No estimate, then.
  }
}

const timeText = (seconds: number): string => (seconds < 1 ? `${Math.max(10, Math.round(seconds * 100) * 10)} ms` : `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`);

export function estimateText(mode: Mode, how: How): string {
  const about = estimates.of(mode, how);
  return about ? `about ${timeText(about.seconds)} and ${Math.round(about.tokens).toLocaleString('en')} tokens, ${about.guessed ? 'a guess' : 'as lately'}` : '';
}

// That of the mode, and how long the others take.
export function estimatesText(mode: Mode, how: How): string {
  const all = modes.map(({ mode: each, label }) => {
    const about = estimates.of(each, how);
    if (!about) return '';
    return each === mode ? `${label}: ${estimateText(each, how)}` : `${label} ${timeText(about.seconds)}${about.guessed ? ', a guess' : ''}`;
  });
  const at = modes.findIndex((each) => each.mode === mode);
  return [all[at], ...all.filter((_, i) => i !== at)].filter(Boolean).join(' · ');
}
