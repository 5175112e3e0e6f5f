// Where in the app one is, from the address's part after #.
export type Route =
  | { view: 'new' }
  | { view: 'conversation'; id: string; message?: string }
  | { view: 'settings'; section: string }
  | { view: 'artifacts'; section: string } // of a template: its name
  | { view: 'invitation'; code: string };

export function parseRoute(hash: string): Route {
  const [head = '', first = '', second] = hash.replace(/^#\/?/, '').split('/').map(decode);
  if (head === 'c' && first) return { view: 'conversation', id: first, message: second };
  if (head === 'settings') return { view: 'settings', section: first || 'general' };
  if (head === 'artifacts') return { view: 'artifacts', section: first };
  if (head === 'invitation') return { view: 'invitation', code: first };
  return { view: 'new' };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

class Router {
  route = $state.raw<Route>(parseRoute(location.hash));

  constructor() {
    addEventListener('hashchange', () => (this.route = parseRoute(location.hash)));
  }

  go(hash: string, replace = false): void {
    if (replace) history.replaceState(null, '', hash);
    else history.pushState(null, '', hash);
    this.route = parseRoute(hash);
  }
}

export const router = new Router();
