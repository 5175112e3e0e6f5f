import { describe, expect, it } from 'vitest';
import { blocksOf, markdownHtml, settledBlocks } from './markdown';

describe('markdownHtml', () => {
  it('shows raw HTML as text', () => {
    for (const html of ['<img src=x onerror=alert(1)>', '<script>alert(1)</script>', 'a <b onclick=x>b</b>', '<style>*{}</style>', '<br onload=x>'])
      expect(markdownHtml(html)).not.toMatch(/<(img|script|b|style|br)[\s>]/);
    expect(markdownHtml('H<sub>2</sub>O')).toContain('H<sub>2</sub>O');
  });
  it('links only to other pages and mail', () => {
    for (const bad of ['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'data:text/html,x', '/api/session', 'vbscript:x', ' javascript:x', 'blob:x', '#/settings'])
      expect(markdownHtml(`[a](<${bad}>)`)).not.toContain('<a ');
    expect(markdownHtml('[a](https://example.org)')).toContain('rel="noopener noreferrer nofollow"');
    expect(markdownHtml('<javascript:alert(1)>')).not.toContain('<a ');
  });
  it('loads no pictures of other hosts', () => {
    expect(markdownHtml('![a](https://example.org/a.png)')).not.toContain('<img');
    expect(markdownHtml('![a](/api/files/x/content)')).not.toContain('<img');
    expect(markdownHtml('![a](data:image/svg+xml;base64,AAAA)')).not.toContain('<img');
    expect(markdownHtml('![a](data:image/png;base64,AAAA)')).toContain('<img');
  });
  it('skips no level of headings', () => {
    expect(markdownHtml('#### a\n\n# b\n\n### c')).toMatch(/<h3[^>]*>a<\/h3>[\s\S]*<h3[^>]*>b<\/h3>[\s\S]*<h4[^>]*>c<\/h4>/);
  });
  it('finds formulas and leaves money alone', () => {
    expect(markdownHtml('so $x^2$ is')).toContain('data-tex="x^2"');
    expect(markdownHtml('$$\n\\frac{1}{2}\n$$')).toContain('data-display="true"');
    expect(markdownHtml('\\(a<b\\)')).toContain('data-tex="a&lt;b"');
    expect(markdownHtml('it costs $5 or $6')).not.toContain('math');
    expect(markdownHtml('`$x$`')).not.toContain('math');
  });
});

describe('settledBlocks', () => {
  const texts = ['a\n\nb\n\nc', '# h\n\ntext\n\n- a\n- b\n\nend', '```js\nlet a\n\nlet b\n```\n\nafter', '| a | b |\n|---|---|\n| 1 | 2 |\n\nx'];
  it('never settles what more text still changes', () => {
    for (const text of texts) {
      for (let cut = 1; cut <= text.length; ++cut) {
        const { blocks } = blocksOf(text.slice(0, cut));
        const settled = settledBlocks(blocks);
        const raw = blocks.slice(0, settled).map((block) => block.raw).join('');
        const rest = blocksOf(text.slice(raw.length)).blocks.map((block) => block.raw);
        const all = blocksOf(text).blocks.map((block) => block.raw);
        expect([...blocks.slice(0, settled).map((block) => block.raw), ...rest].join('')).toBe(all.join(''));
        expect(markdownHtml(raw) + markdownHtml(text.slice(raw.length))).toBe(markdownHtml(text));
      }
    }
  });
});
