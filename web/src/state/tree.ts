// The messages of a conversation as a tree, of which one branch is shown.
import type { Message } from '../api/types';

export type Messages = ReadonlyMap<string, Message>;

// From the root to `leaf`.
export function pathTo(messages: Messages, leaf: string | null): Message[] {
  const path: Message[] = [];
  for (let at = leaf ? messages.get(leaf) : undefined; at; at = at.parent ? messages.get(at.parent) : undefined) path.push(at);
  return path.reverse();
}

// Messages below the same one, oldest first.
export function siblings(messages: Messages, message: Message): Message[] {
  const all: Message[] = [];
  for (const each of messages.values()) if (each.parent === message.parent && each.role === message.role) all.push(each);
  return all;
}

export function newestLeaf(messages: Messages, from: string): string {
  const below = new Map<string, string>(); // the newest child of each, since parents come before children
  for (const each of messages.values()) if (each.parent) below.set(each.parent, each.id);
  let leaf = from;
  for (let next = below.get(leaf); next; next = below.get(leaf)) leaf = next;
  return leaf;
}

export function titleFor(text: string, fileName = ''): string {
  const line = (text.trim().split('\n')[0] ?? '').replace(/\s+/g, ' ') || fileName;
  if (line.length <= 60) return line || 'New conversation';
  const cut = line.slice(0, 60);
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), 30)).trim()}…`;
}
