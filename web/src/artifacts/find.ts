// Artifacts in answers: fenced blocks of a page, a drawing, a script that draws, or a template's data.
import type { Token, Tokens } from 'marked';
import { blocksOf } from '../text/markdown';

export type ArtifactKind = 'page' | 'drawing' | 'script' | 'template';

export interface Artifact {
  kind: ArtifactKind;
  title: string;
  source: string; // as the answer has it
  template: string; // its name; empty: none
}

// What is known of where an artifact stands.
export interface Version {
  artifact: Artifact;
  message: string; // its id; empty: none
  created: number; // ms since 1970; 0: unknown
}

interface Fence {
  language: string;
  words: string; // after the language
  text: string;
}

function fencesOf(text: string): Fence[] {
  const fences: Fence[] = [];
  const walk = (tokens: Token[]): void => {
    for (const token of tokens) {
      if (token.type === 'code') {
        const { lang = '', text } = token as Tokens.Code;
        const [, language = '', words = ''] = /^\s*(\S*)\s*(.*)$/s.exec(lang) ?? [];
        fences.push({ language: language.toLowerCase(), words: words.trim(), text });
      } else if (token.type === 'list') {
        for (const item of (token as Tokens.List).items) walk(item.tokens);
      } else if (token.type === 'blockquote') {
        walk((token as Tokens.Blockquote).tokens);
      }
    }
  };
  walk(blocksOf(text).blocks.map((block) => block.token));
  return fences;
}

const isDrawing = (text: string): boolean => /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*|<!doctype[^>]*>\s*)*<svg[\s>]/i.test(text);
const drawsSomething = (text: string): boolean => /\b(?:document|window|canvas|requestAnimationFrame)\b/.test(text);

const plain = (html: string): string =>
  html
    .replace(/<[^>]*>/g, '')
    .replace(/&(amp|lt|gt|quot|#39|nbsp);/g, (_, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: ' ' })[name] ?? '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 80);

function titleOf(text: string, words: string, otherwise: string): string {
  const given = /\btitle=(?:"([^"]*)"|(\S+))/.exec(words);
  const found = /<title[^>]*>([\s\S]*?)<\/title>/i.exec(text)?.[1] || /<h1[^>]*>([\s\S]*?)<\/h1>/i.exec(text)?.[1];
  return plain(given?.[1] ?? given?.[2] ?? '') || plain(found ?? '') || otherwise;
}

// A page with the styles and scripts that the answer gives beside it.
function joined(page: string, styles: string[], scripts: string[]): string {
  if (!styles.length && !scripts.length) return page;
  const own = page
    .replace(/<script\b[^>]*\bsrc=["']?(?!https?:|data:)[^>]*>\s*<\/script>/gi, '')
    .replace(/<link\b[^>]*\brel=["']?stylesheet[^>]*>/gi, '');
  const more = [...styles.map((text) => `<style>\n${text}\n</style>`), ...scripts.map((text) => `<script>\n${text}\n</script>`)].join('\n');
  const end = own.search(/<\/body\s*>/i);
  return end < 0 ? `${own}\n${more}\n` : `${own.slice(0, end)}${more}\n${own.slice(end)}`;
}

export function artifactsOf(text: string): Artifact[] {
  const fences = fencesOf(text);
  const found: Artifact[] = [];
  const pages = fences.filter((each) => /^(x?html?)$/.test(each.language) && /<[a-z!]/i.test(each.text));
  const scripts = fences.filter((each) => /^(js|javascript|mjs)$/.test(each.language)).map((each) => each.text);
  const styles = fences.filter((each) => each.language === 'css').map((each) => each.text);
  const only = pages.length === 1;
  for (const each of fences) {
    if (pages.includes(each)) {
      found.push({ kind: 'page', title: titleOf(each.text, each.words, 'Page'), source: only ? joined(each.text, styles, scripts) : each.text, template: '' });
    } else if (/^(svg|xml)?$/.test(each.language) && isDrawing(each.text)) {
      found.push({ kind: 'drawing', title: titleOf(each.text, each.words, 'Drawing'), source: each.text, template: '' });
    } else if (each.language === 'artifact') {
      const template = each.words.split(/\s/)[0] ?? '';
      found.push({ kind: 'template', title: dataTitle(each.text) || template || 'Template', source: each.text, template });
    }
  }
  const drawing = scripts.filter(drawsSomething);
  if (!pages.length && drawing.length) found.push({ kind: 'script', title: 'Script', source: scripts.join('\n\n'), template: '' });
  return found;
}

function dataTitle(json: string): string {
  try {
    const title = (JSON.parse(json) as { title?: unknown } | null)?.title;
    return typeof title === 'string' ? plain(title) : '';
  } catch {
    return '';
  }
}

// Whether one rewrites the other: they are called the same, or half of the shorter one's lines are in both.
export function rewrites(a: Artifact, b: Artifact): boolean {
  if (a.kind !== b.kind || a.template !== b.template) return false;
  const generic = ['Page', 'Drawing', 'Script', 'Template', a.template];
  if (a.title === b.title && !generic.includes(a.title)) return true;
  const lines = (text: string): Set<string> => new Set(text.split('\n').map((line) => line.trim()).filter((line) => line.length > 3));
  const [few, many] = [lines(a.source), lines(b.source)].sort((x, y) => x.size - y.size) as [Set<string>, Set<string>];
  if (!few.size) return a.source.trim() === b.source.trim();
  let both = 0;
  for (const line of few) if (many.has(line)) ++both;
  return both * 2 >= few.size;
}

// Lists of what rewrites each other, oldest first in each; the lists in the order of their newest ones.
export function grouped(versions: Version[]): Version[][] {
  const groups: Version[][] = [];
  for (const each of versions) {
    const at = groups.findIndex((group) => rewrites((group.at(-1) as Version).artifact, each.artifact) && group.at(-1)?.message !== each.message);
    if (at < 0) groups.push([each]);
    else groups.push([...(groups.splice(at, 1)[0] as Version[]), each]);
  }
  return groups;
}
