// The models that this server has.
import type { Model, Question } from '../api/types';
import { call } from '../api/client';
import { settings, type Chosen, type Mode } from './settings.svelte';

class Models {
  all = $state.raw<Model[]>([]);

  // Those with a name of their own; the first is what the modes' names mean.
  get own(): Model[] {
    return this.all.filter((model) => model.capabilities.model === model.id);
  }
  get current(): Model | undefined {
    return this.own.find((model) => model.id === settings.chosen.model) ?? this.own[0];
  }

  async load(): Promise<void> {
    this.all = (await call<{ data: Model[] }>('GET', '/v1/models')).data;
  }
}

export const models = new Models();

// What a question says about how it is to be answered. `first`: the model is the server's first.
export function optionsOf(chosen: Chosen, mode: Mode, model: string, first: boolean): Omit<Question, 'message' | 'to'> {
  const options: Omit<Question, 'message' | 'to'> = {};
  if (first) {
    options.model = `melete-${mode}`;
    if (mode !== 'instant') options.reasoning_effort = chosen.effort;
  } else {
    options.model = model;
    options.reasoning_effort = mode === 'instant' ? 'none' : mode === 'thinking' ? chosen.effort : 'max';
  }
  if (mode === 'contemplating') options.melete = { agents: chosen.agents };
  if (chosen.system.trim()) options.system = chosen.system;
  if (chosen.temperature !== null) options.temperature = chosen.temperature;
  if (chosen.top_p !== null) options.top_p = chosen.top_p;
  if (chosen.seed !== null) options.seed = chosen.seed;
  if (chosen.max_tokens !== null) options.max_tokens = chosen.max_tokens;
  return options;
}
