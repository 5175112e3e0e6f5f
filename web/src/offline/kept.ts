// What this tab has read of the server, so that it can still be read while the server is away, also after a reload. It lasts
// as long as the tab, and ends with the login.

export interface Shelf {
  readonly length: number;
  key(index: number): string | null;
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}
const kPrefix = 'kept ';
const kMostConversations = 6;
const kMostCharacters = 1_500_000; // of one thing; a tab has room for some five million
const lasting = [/^\/api\/(session|settings)$/, /^\/v1\/models$/, /^\/api\/conversations(\?limit=60)?$/, /^\/api\/files\/[^/]+$/];
const conversation = /^\/api\/conversations\/[^/?]+$/;

export class Kept {
  constructor(private readonly shelf: Shelf | null) {}

  private get names(): string[] {
    return Array.from({ length: this.shelf?.length ?? 0 }, (_, i) => this.shelf?.key(i) ?? '').filter((name) => name.startsWith(kPrefix));
  }

  private get conversations(): string[] {
    return this.names.filter((name) => conversation.test(name.slice(kPrefix.length)));
  }
  // The newest is the largest.
  private at(name: string): number {
    return Number(/^\{"at":(\d+)/.exec(this.shelf?.getItem(name) ?? '')?.[1] ?? 0);
  }

  put(path: string, value: unknown): void {
    if (!this.shelf || !(conversation.test(path) || lasting.some((each) => each.test(path)))) return;
    const at = 1 + Math.max(0, ...this.conversations.map((name) => this.at(name)));
    const text = JSON.stringify({ at, value });
    this.drop(path);
    if (text.length > kMostCharacters) return;
    if (conversation.test(path)) this.makeRoom(kMostConversations - 1);
    if (!this.set(kPrefix + path, text)) {
      this.makeRoom(0); // the tab's other things may leave less than six conversations need
      this.set(kPrefix + path, text);
    }
  }

  private set(name: string, text: string): boolean {
    try {
      this.shelf?.setItem(name, text);
      return true;
    } catch {
      return false;
    }
  }

  get<T>(path: string): T | undefined {
    const text = this.shelf?.getItem(kPrefix + path);
    return text ? (JSON.parse(text) as { value: T }).value : undefined;
  }

  drop(path: string): void {
    this.shelf?.removeItem(kPrefix + path);
  }

  clear(): void {
    for (const name of this.names) this.shelf?.removeItem(name);
  }

  // Leaves so many conversations, the newest.
  private makeRoom(count: number): void {
    for (const name of this.conversations.sort((a, b) => this.at(b) - this.at(a)).slice(count)) this.shelf?.removeItem(name);
  }
}

export const kept = new Kept(typeof sessionStorage === 'undefined' ? null : sessionStorage);
