// What was chosen: kept by the server, so that all one's browsers share it. The theme is kept here as well, since it
// is needed before the first answer of the server.
import { call } from '../api/client';

export type Mode = 'instant' | 'thinking' | 'contemplating';
export type Effort = 'minimal' | 'low' | 'medium' | 'high' | 'xhigh';
export type Theme = 'system' | 'light' | 'dark';

export interface Chosen {
  theme: Theme;
  mode: Mode;
  effort: Effort;
  agents: number;
  model: string; // empty: the server's first
  system: string;
  temperature: number | null;
  top_p: number | null;
  seed: number | null;
  max_tokens: number | null;
  enter: 'send' | 'break'; // what Enter does in the composer
  showReasoning: boolean;
}

export const defaults: Chosen = {
  theme: 'system',
  mode: 'thinking',
  effort: 'medium',
  agents: 8,
  model: '',
  system: '',
  temperature: null,
  top_p: null,
  seed: null,
  max_tokens: null,
  enter: 'send',
  showReasoning: false,
};

class Settings {
  chosen = $state<Chosen>({ ...defaults, theme: (localStorage.getItem('theme') as Theme | null) ?? 'system' });
  private unknown: Record<string, unknown> = {}; // what another version of the app keeps there
  private unsaved: Partial<Chosen> = {}; // what is chosen before the server has answered stays
  private loaded = false; // until then nothing is saved: what the server has isn't known
  private timer = 0;
  arrival: Promise<void> = Promise.resolve(); // over when `chosen` is what the server has, or can't be

  load(): Promise<void> {
    const reading = this.read();
    this.arrival = reading.catch(() => {});
    return reading;
  }

  private async read(): Promise<void> {
    const kept = await call<Record<string, unknown>>('GET', '/api/settings');
    this.unknown = kept;
    const known = Object.keys(defaults).filter((name) => typeof kept[name] === typeof defaults[name as keyof Chosen] || kept[name] === null || defaults[name as keyof Chosen] === null);
    this.chosen = { ...defaults, ...Object.fromEntries(known.filter((name) => name in kept).map((name) => [name, kept[name]])), ...this.unsaved };
    this.loaded = true;
    this.applyTheme();
    if (Object.keys(this.unsaved).length) void this.save();
  }

  set(change: Partial<Chosen>): void {
    Object.assign(this.chosen, change);
    Object.assign(this.unsaved, change);
    this.applyTheme();
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.save(), 300);
  }

  applyTheme(): void {
    const theme = this.chosen.theme;
    localStorage.setItem('theme', theme);
    document.documentElement.dataset.theme = theme;
  }

  private async save(): Promise<void> {
    if (!this.loaded) return;
    try {
      const sent = { ...this.unsaved };
      await call('PUT', '/api/settings', { ...this.unknown, ...$state.snapshot(this.chosen) });
      for (const name of Object.keys(sent) as (keyof Chosen)[]) if (this.unsaved[name] === sent[name]) delete this.unsaved[name];
    } catch {
      // Kept in this page; the next change tries again.
    }
  }
}

export const settings = new Settings();
