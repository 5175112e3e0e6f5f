// What the page does so that it can be opened without its server, and so that it isn't older than its server.
import { draft } from '../state/draft.svelte';
import { scriptAddress } from './trusted';

// Browsers offer it only to pages of this machine or with HTTPS.
export function keepApp(): void {
  if (import.meta.env.PROD) void navigator.serviceWorker?.register(scriptAddress('offline')).catch(() => {});
}

// Loads the page anew if the server has become another version; what is being written stays.
export async function isCurrent(): Promise<boolean> {
  const own = document.querySelector<HTMLScriptElement>('script[type=module]')?.getAttribute('src') ?? '';
  const response = await fetch('/', { cache: 'no-cache' });
  if (!response.ok || (await response.text()).includes(`"${own}"`)) return true;
  draft.leave();
  location.reload();
  return false;
}
