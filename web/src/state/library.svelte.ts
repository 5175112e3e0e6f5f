// The list of conversations, and what is found in them.
import type { Conversation, ConversationPage, SearchHit } from '../api/types';
import { call } from '../api/client';
import { kept } from '../offline/kept';
import { toasts } from './toasts.svelte';

const kPage = 60;
const kList = `/api/conversations?limit=${kPage}`;

class Library {
  list = $state.raw<Conversation[]>([]);
  next = $state<string | null>(null);
  loaded = $state(false);
  query = $state('');
  hits = $state.raw<SearchHit[]>([]);
  searching = $state(false);
  private timer = 0;

  async load(): Promise<void> {
    const page = await call<ConversationPage>('GET', kList);
    this.list = page.conversations;
    this.next = page.next;
    this.loaded = true;
  }

  async more(): Promise<void> {
    if (!this.next) return;
    const page = await call<ConversationPage>('GET', `${kList}&after=${encodeURIComponent(this.next)}`);
    const known = new Set(this.list.map((each) => each.id));
    this.list = [...this.list, ...page.conversations.filter((each) => !known.has(each.id))];
    this.next = page.next;
  }

  private remember(): void {
    kept.put(kList, { conversations: this.list.slice(0, kPage), next: this.next });
  }

  put(conversation: Conversation): void {
    const others = this.list.filter((each) => each.id !== conversation.id);
    this.list = [...others, conversation].sort(
      (a, b) => Number(b.pinned) - Number(a.pinned) || b.updated_ms - a.updated_ms,
    );
    this.remember();
  }

  drop(id: string): void {
    this.list = this.list.filter((each) => each.id !== id);
    this.hits = this.hits.filter((hit) => hit.conversation !== id);
    this.remember();
  }

  async change(id: string, change: { title?: string; pinned?: boolean }): Promise<void> {
    this.put(await call<Conversation>('PATCH', `/api/conversations/${id}`, change));
  }

  async remove(id: string): Promise<void> {
    await call('DELETE', `/api/conversations/${id}`);
    this.drop(id);
  }

  search(query: string): void {
    this.query = query;
    clearTimeout(this.timer);
    if (!query.trim()) {
      this.hits = [];
      return;
    }
    this.timer = window.setTimeout(() => void this.find(query), 150);
  }

  private async find(query: string): Promise<void> {
    this.searching = true;
    try {
      const { hits } = await call<{ hits: SearchHit[] }>('GET', `/api/search?limit=40&q=${encodeURIComponent(query)}`);
      if (query === this.query) this.hits = hits;
    } catch (error) {
      toasts.error(error);
    }
    this.searching = false;
  }
}

export const library = new Library();
