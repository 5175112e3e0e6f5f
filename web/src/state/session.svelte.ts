// Who uses the app.
import type { Session } from '../api/types';
import { access, call } from '../api/client';
import { kept } from '../offline/kept';

class SessionState {
  current = $state.raw<Session | null>(null);
  failure = $state('');

  constructor() {
    access.expired = () => {
      kept.clear();
      if (this.current?.user) this.take({ ...this.current, user: null, login_required: true, csrf_token: null });
    };
  }

  take(session: Session): void {
    access.csrf = session.csrf_token;
    this.current = session;
  }

  async load(): Promise<void> {
    try {
      this.take(await call<Session>('GET', '/api/session'));
      this.failure = '';
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
  }

  async logIn(name: string, password: string): Promise<void> {
    kept.clear();
    this.take(await call<Session>('POST', '/api/session', { name, password }));
  }

  async logOut(): Promise<void> {
    await call('DELETE', '/api/session');
    kept.clear();
    location.hash = '';
    location.reload();
  }
}

export const session = new SessionState();
