// Tags and text of XML as Office writes it: no document types, no entities of one's own, no namespaces but cut prefixes.
import { DocumentError } from './zip';

export interface XmlVisitor {
  open(name: string, attribute: (name: string) => string | undefined): void;
  close(name: string): void;
  text(text: string): void;
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

export function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(#x[0-9a-fA-F]{1,6}|#\d{1,7}|\w{1,8});/g, (whole, name: string) => {
    if (name[0] !== '#') return entities[name] ?? whole;
    const code = name[1] === 'x' ? parseInt(name.slice(2), 16) : parseInt(name.slice(1), 10);
    return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
  });
}

const local = (name: string): string => name.slice(name.indexOf(':') + 1);

// Of a tag's text after its name. By its whole name first, so that r:id isn't id.
function attributeOf(rest: string, wanted: string): string | undefined {
  const pattern = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
  let other: string | undefined;
  for (let found = pattern.exec(rest); found; found = pattern.exec(rest)) {
    const value = found[2] ?? found[3] ?? '';
    if (found[1] === wanted) return decoded(value);
    if (local(found[1] as string) === wanted) other ??= decoded(value);
  }
  return other;
}

export function readXml(source: string, visitor: XmlVisitor): void {
  let at = 0;
  while (at < source.length) {
    const begin = source.indexOf('<', at);
    if (begin < 0) break;
    if (begin > at) visitor.text(decoded(source.slice(at, begin)));
    if (source.startsWith('<!--', begin)) {
      const end = source.indexOf('-->', begin + 4);
      at = end < 0 ? source.length : end + 3;
      continue;
    }
    if (source.startsWith('<![CDATA[', begin)) {
      const end = source.indexOf(']]>', begin);
      visitor.text(source.slice(begin + 9, end < 0 ? source.length : end));
      at = end < 0 ? source.length : end + 3;
      continue;
    }
    if (source[begin + 1] === '!') throw new DocumentError('A part of it defines entities, which isn’t allowed.');
    const end = source.indexOf('>', begin);
    if (end < 0) throw new DocumentError('A part of it is broken off.');
    at = end + 1;
    if (source[begin + 1] === '?') continue;
    if (source[begin + 1] === '/') {
      visitor.close(local(source.slice(begin + 2, end).trim()));
      continue;
    }
    const closes = source[end - 1] === '/';
    const tag = source.slice(begin + 1, closes ? end - 1 : end);
    const space = tag.search(/\s/);
    const name = local(space < 0 ? tag : tag.slice(0, space));
    visitor.open(name, (wanted) => (space < 0 ? undefined : attributeOf(tag.slice(space), wanted)));
    if (closes) visitor.close(name);
  }
}
