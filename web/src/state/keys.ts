// Shortcuts of the keyboard. One list: what is here is what the help shows.
export interface Shortcut {
  keys: string; // as it is shown
  does: string;
  matches: (event: KeyboardEvent) => boolean;
  id: 'new' | 'search' | 'composer' | 'stop' | 'sidebar' | 'help' | 'copy' | 'settings' | 'developer' | 'answer';
}

const withControl = (event: KeyboardEvent, key: string): boolean =>
  (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === key;
const plain = (event: KeyboardEvent, key: string): boolean => !event.ctrlKey && !event.metaKey && !event.altKey && event.key === key;

export const shortcuts: Shortcut[] = [
  { id: 'new', keys: 'Ctrl Shift O', does: 'begin a conversation', matches: (e) => withControl(e, 'o') && e.shiftKey },
  { id: 'search', keys: 'Ctrl K', does: 'search conversations', matches: (e) => withControl(e, 'k') && !e.shiftKey },
  { id: 'composer', keys: '/', does: 'write', matches: (e) => plain(e, '/') },
  { id: 'stop', keys: 'Esc', does: 'stop the answer', matches: (e) => plain(e, 'Escape') },
  { id: 'answer', keys: 'A', does: 'have what reasons answer now', matches: (e) => plain(e, 'a') },
  { id: 'copy', keys: 'Ctrl Shift C', does: 'copy the last answer', matches: (e) => withControl(e, 'c') && e.shiftKey },
  { id: 'sidebar', keys: 'Ctrl B', does: 'show or hide the list', matches: (e) => withControl(e, 'b') && !e.shiftKey },
  { id: 'settings', keys: 'Ctrl ,', does: 'settings', matches: (e) => withControl(e, ',') },
  { id: 'developer', keys: 'Ctrl .', does: 'the developer’s drawer', matches: (e) => withControl(e, '.') },
  { id: 'help', keys: '?', does: 'show these shortcuts', matches: (e) => plain(e, '?') },
];

export const isWriting = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
