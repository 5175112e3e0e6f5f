// Runs of answers that have ended, from their event logs.
import { SvelteMap } from 'svelte/reactivity';
import type { RunEvent } from '../api/types';
import { send } from '../api/client';
import { readEvents } from '../api/events';
import { follow, newRun, type Run } from './run';

export async function eventsOf(answer: string): Promise<RunEvent[]> {
  const all: RunEvent[] = [];
  await readEvents(await send('GET', `/api/answers/${encodeURIComponent(answer)}/events`), (events) => {
    for (const event of events) if (event.name === 'run') all.push(JSON.parse(event.data) as RunEvent);
  });
  return all;
}

class Runs {
  private known = new SvelteMap<string, Run>();
  private asked = new Set<string>();

  get(answer: string): Run | undefined {
    return this.known.get(answer);
  }
  put(answer: string, run: Run): void {
    this.known.set(answer, run);
  }
  // Asks for it once; without a log there is none.
  want(answer: string): void {
    if (this.asked.has(answer) || this.known.has(answer)) return;
    this.asked.add(answer);
    void eventsOf(answer).then(
      (events) => this.put(answer, follow(newRun(), events, 0)),
      () => {},
    );
  }
}

export const runs = new Runs();
