// Whether the server answers. While it doesn't, it is asked again and again; whoever waits is told when it does.
import { access } from '../api/client';

const kFirstWait = 500; // ms
const kMostWait = 5000;
const kUsual = 10_000;

class Reach {
  away = $state(false);
  private wait = kFirstWait;
  private timer = 0;
  private readonly waiting: (() => Promise<void>)[] = [];

  constructor() {
    access.reached = (answers) => (answers ? this.found() : void this.ask()); // one request may fail for reasons of its own
    addEventListener('online', () => this.away && void this.ask());
    document.addEventListener('visibilitychange', () => document.hidden || void this.ask());
    this.later(kUsual);
  }

  // What is to happen each time that the server is back.
  onBack(act: () => Promise<void>): void {
    this.waiting.push(act);
  }

  async ask(): Promise<void> {
    clearTimeout(this.timer);
    try {
      await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(8000) });
      this.found();
    } catch {
      this.lose();
    }
  }

  private later(wait: number): void {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => (document.hidden && !this.away ? this.later(kUsual) : void this.ask()), wait);
  }

  private lose(): void {
    if (!this.away) this.wait = kFirstWait;
    this.away = true;
    this.later(this.wait);
    this.wait = Math.min(this.wait * 2, kMostWait);
  }

  private found(): void {
    const wasAway = this.away;
    this.away = false;
    this.later(kUsual);
    if (wasAway) for (const act of this.waiting) void act();
  }
}

export const reach = new Reach();
