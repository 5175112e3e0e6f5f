// What answers of each mode took lately, and so what the next will take about. Of Contemplating, an agent's share.
import type { Details } from '../api/types';
import { modes } from './modes';
import type { Mode } from './settings.svelte';

interface Taken {
  tokens: number;
  seconds: number;
}
const kMost = 20;

export class Estimates {
  private all = $state.raw<Partial<Record<Mode, Taken[]>>>({});

  constructor(kept: string | null) {
    try {
      this.all = JSON.parse(kept ?? '{}') as Partial<Record<Mode, Taken[]>>;
    } catch {
      this.all = {};
    }
  }

  add(mode: Mode, details: Details, agents: number): string {
    const share = mode === 'contemplating' ? Math.max(1, agents) : 1;
    const taken = { tokens: (details.tokens.reasoning + details.tokens.answer) / share, seconds: details.timings.total_s / share };
    this.all = { ...this.all, [mode]: [taken, ...(this.all[mode] ?? [])].slice(0, kMost) };
    return JSON.stringify(this.all);
  }

  // The median of both. Null: nothing is known of the mode yet.
  of(mode: Mode, agents: number): Taken | null {
    const list = this.all[mode];
    if (!list?.length) return null;
    const share = mode === 'contemplating' ? agents : 1;
    const middle = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] as number;
    return { tokens: middle(list.map((each) => each.tokens)) * share, seconds: middle(list.map((each) => each.seconds)) * share };
  }
}

export const estimates = new Estimates(localStorage.getItem('taken'));

export function noteTaken(mode: Mode, details: Details, agents: number): void {
  localStorage.setItem('taken', estimates.add(mode, details, agents));
}

const timeText = (seconds: number): string => (seconds < 1 ? `${Math.max(10, Math.round(seconds * 100) * 10)} ms` : `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`);

export function estimateText(mode: Mode, agents: number): string {
  const about = estimates.of(mode, agents);
  return about ? `about ${timeText(about.seconds)} and ${Math.round(about.tokens).toLocaleString('en')} tokens, as lately` : '';
}

// That of the mode, and how long the others take.
export function estimatesText(mode: Mode, agents: number): string {
  const all = modes.map(({ mode: each, label }) => {
    const about = estimates.of(each, agents);
    return !about ? '' : each === mode ? `${label}: ${estimateText(each, agents)}` : `${label} ${timeText(about.seconds)}`;
  });
  const at = modes.findIndex((each) => each.mode === mode);
  return [all[at], ...all.filter((_, i) => i !== at)].filter(Boolean).join(' · ');
}
