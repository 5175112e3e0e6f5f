// Markdown of answers to HTML, block by block. Raw HTML is shown as text, except a few tags without attributes; links
// only go where a person would expect, and pictures of other hosts aren't loaded. What comes out is sanitized again
// before it reaches the page (see view.ts).
import { citationPattern } from '../documents/places';
import { Marked, type Token, type Tokens } from 'marked';

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c] as string);

const isSafeLink = (href: string): boolean => /^(https?:\/\/|mailto:)/i.test(href.trim());
const isInlinePicture = (href: string): boolean => /^data:image\/(png|jpeg|gif|webp);base64,[a-z0-9+/=]+$/i.test(href);
const harmlessTag = /^<(\/?(?:sub|sup|kbd|mark)|br\s*\/?)>$/i;

interface MathToken extends Tokens.Generic {
  tex: string;
  display: boolean;
}

const math = (name: string, level: 'block' | 'inline', start: RegExp, pattern: RegExp, display: boolean) => ({
  name,
  level,
  start: (source: string): number | undefined => {
    const at = source.search(start);
    return at < 0 ? undefined : at;
  },
  tokenizer: (source: string): MathToken | undefined => {
    const found = pattern.exec(source);
    return found ? { type: name, raw: found[0], tex: (found[1] ?? '').trim(), display } : undefined;
  },
  renderer: (token: Tokens.Generic): string =>
    `<span class="math" data-tex="${escapeHtml((token as MathToken).tex)}" data-display="${display}">${escapeHtml(token.raw)}</span>`,
});

let depth = 2; // of the heading before: none is skipped, whatever the model writes

const marked = new Marked({ gfm: true, breaks: true });
marked.use({
  extensions: [
    math('dollarBlock', 'block', /\$\$/, /^\$\$([^$]+?)\$\$(?:\n|$)/, true),
    math('bracketBlock', 'block', /\\\[/, /^\\\[([\s\S]+?)\\\](?:\n|$)/, true),
    math('dollarInlineBlock', 'inline', /\$\$/, /^\$\$([^$\n]+?)\$\$/, true),
    math('dollarInline', 'inline', /\$/, /^\$(?!\s|\$)([^$\n]*?[^$\s\\])\$(?!\d)/, false),
    {
      name: 'citation',
      level: 'inline' as const,
      start: (source: string): number | undefined => {
        const at = source.indexOf('[');
        return at < 0 ? undefined : at;
      },
      tokenizer: (source: string): Tokens.Generic | undefined => {
        const found = citationPattern.exec(source);
        return found ? { type: 'citation', raw: found[0], place: found[1] } : undefined;
      },
      renderer: (token: Tokens.Generic): string => `<span class="cite">${escapeHtml(token.raw)}</span>`,
    },
    math('parenInline', 'inline', /\\\(/, /^\\\(([^\n]+?)\\\)/, false),
  ],
  renderer: {
    html: ({ text }) => (harmlessTag.test(text.trim()) ? text.trim() : escapeHtml(text)),
    heading(token) {
      depth = Math.min(token.depth + 2, depth + 1, 6);
      return `<h${depth} class="h${token.depth}">${this.parser.parseInline(token.tokens)}</h${depth}>\n`;
    },
    link(token) {
      const text = this.parser.parseInline(token.tokens);
      if (!isSafeLink(token.href)) return text;
      return `<a href="${escapeHtml(token.href.trim())}" target="_blank" rel="noopener noreferrer nofollow">${text}</a>`;
    },
    image({ href, text }) {
      if (isInlinePicture(href)) return `<img src="${escapeHtml(href)}" alt="${escapeHtml(text)}">`;
      return `<span class="unloaded">${escapeHtml(text || 'picture')} (a picture elsewhere, not loaded: ${escapeHtml(href.slice(0, 200))})</span>`;
    },
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
    code({ text, lang }) {
      const language = (lang ?? '').trim().split(/\s/)[0]?.replace(/[^\w#+.-]/g, '') ?? '';
      return `<pre><code class="language-${escapeHtml(language)}">${escapeHtml(text)}\n</code></pre>\n`;
    },
  },
});

export interface Block {
  token: Token;
  raw: string;
}

// The blocks of a text, and whether it has definitions of links, which change what stands before them.
export function blocksOf(source: string): { blocks: Block[]; hasDefinitions: boolean } {
  const tokens = marked.lexer(source);
  return {
    blocks: [...tokens].map((token) => ({ token, raw: token.raw })),
    hasDefinitions: Object.keys(tokens.links ?? {}).length > 0,
  };
}

// The HTML of one block. `last` is the depth of the heading before it.
export function blockHtml(block: Block, last: number): { html: string; depth: number } {
  depth = last;
  const html = marked.parser([block.token]);
  return { html, depth };
}

export function markdownHtml(source: string): string {
  depth = 2;
  return marked.parser(marked.lexer(source));
}

// How many of the blocks won't change when more text follows: all but the last one that says something.
export function settledBlocks(blocks: Block[]): number {
  let last = blocks.length - 1;
  while (last > 0 && blocks[last]?.token.type === 'space') --last;
  return Math.max(0, last);
}
