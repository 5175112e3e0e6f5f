// What /metrics says (Prometheus' text format), and what it means from one reading to the next.
export type Reading = { at: number; values: ReadonlyMap<string, number> }; // at: ms

// Values by name, those of several models added up (but for times a step takes, of which the longest counts).
export function parseMetrics(text: string): Map<string, number> {
  const values = new Map<string, number>();
  for (const line of text.split('\n')) {
    const found = /^([a-z_:][\w:]*)(?:\{[^}]*\})? (\S+)/i.exec(line);
    const value = Number(found?.[2]);
    if (!found || !Number.isFinite(value)) continue;
    const name = found[1] as string;
    const before = values.get(name);
    values.set(name, before === undefined ? value : /_p\d+$/.test(name) ? Math.max(before, value) : before + value);
  }
  return values;
}

export interface Engine {
  running: number;
  waiting: number;
  prompts: number; // that wait for the engine
  sequences: number;
  pages: number;
  cachedPages: number;
  memory: number; // bytes
  memoryMost: number;
  tokensPerSecond: number;
  promptPerSecond: number;
  busy: number; // share of the time
  stepSeconds: number; // 99 of 100 steps are quicker
}

export function engineOf(now: Reading, before: Reading | null): Engine {
  const value = (name: string): number => now.values.get(name) ?? 0;
  const seconds = before ? (now.at - before.at) / 1000 : 0;
  const rate = (name: string): number => (before && seconds > 0 ? Math.max(0, (value(name) - (before.values.get(name) ?? 0)) / seconds) : 0);
  return {
    running: value('melete_answers_running'),
    waiting: value('melete_answers_waiting'),
    prompts: value('melete_engine_queued_prompts'),
    sequences: value('melete_engine_running_sequences'),
    pages: value('melete_engine_kv_pages'),
    cachedPages: value('melete_engine_cached_pages'),
    memory: value('melete_engine_kv_bytes'),
    memoryMost: value('melete_engine_kv_max_bytes'),
    tokensPerSecond: rate('melete_engine_decoded_tokens_total'),
    promptPerSecond: rate('melete_engine_prompt_tokens_total'),
    busy: Math.min(1, rate('melete_engine_busy_seconds_total')),
    stepSeconds: value('melete_engine_step_seconds_p99'),
  };
}
