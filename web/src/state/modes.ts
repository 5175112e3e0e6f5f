// How an answer can be made.
import type { IconName } from '../ui/Icon.svelte';
import type { Mode } from './settings.svelte';

export const modes: { mode: Mode; label: string; icon: IconName; tip: string }[] = [
  { mode: 'instant', label: 'Instant', icon: 'bolt', tip: 'Answers at once' },
  { mode: 'thinking', label: 'Thinking', icon: 'thought', tip: 'Reasons first' },
  { mode: 'contemplating', label: 'Contemplating', icon: 'agents', tip: 'Many agents reason and vote' },
];
