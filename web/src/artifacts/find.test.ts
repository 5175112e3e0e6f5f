import { describe, expect, it } from 'vitest';
import { artifactsOf, grouped, rewrites, type Artifact } from './find';
import { mayHaveArtifact } from './hint';

const fence = (info: string, text: string): string => `\`\`\`${info}\n${text}\n\`\`\``;

describe('artifactsOf', () => {
  it('finds pages, drawings and data of templates, wherever they stand', () => {
    const text = `Here:\n\n${fence('html', '<!doctype html><title>Snake &amp; co</title><p>x')}\n\n- a list\n\n  ${fence('svg', '  <svg viewBox="0 0 1 1"><title>Dot</title></svg>').replaceAll('\n', '\n  ')}\n\n> ${fence('artifact plate', '{"title":"Lunch"}').replaceAll('\n', '\n> ')}`;
    expect(artifactsOf(text).map(({ kind, title, template }) => ({ kind, title, template }))).toEqual([
      { kind: 'page', title: 'Snake & co', template: '' },
      { kind: 'drawing', title: 'Dot', template: '' },
      { kind: 'template', title: 'Lunch', template: 'plate' },
    ]);
    expect(mayHaveArtifact(text)).toBe(true);
  });
  it('takes the styles and scripts that stand beside the only page', () => {
    const [page] = artifactsOf([fence('html', '<link rel="stylesheet" href="a.css"><body><p>x</p><script src="a.js"></script></body>'), fence('css', 'p{color:red}'), fence('js', 'go()')].join('\n\n'));
    expect(page?.source).toBe('<body><p>x</p><style>\np{color:red}\n</style>\n<script>\ngo()\n</script>\n</body>');
    const two = artifactsOf([fence('html', '<p>1</p>'), fence('html', '<p>2</p>'), fence('js', 'go()')].join('\n\n'));
    expect(two.map((each) => each.source)).toEqual(['<p>1</p>', '<p>2</p>']);
  });
  it('leaves other code alone', () => {
    for (const text of [fence('python', 'document'), fence('js', 'const f = (x) => x + 1;'), fence('xml', '<note/>'), fence('html', 'no tags'), fence('', '<p>x</p>'), '<svg></svg>', 'plain `html`'])
      expect(artifactsOf(text), text).toEqual([]);
    expect(artifactsOf(fence('js', 'document.body.append(1)'))[0]?.kind).toBe('script');
    expect(artifactsOf(fence('', '<svg></svg>'))[0]?.kind).toBe('drawing');
    expect(mayHaveArtifact(fence('python', 'html'))).toBe(false);
  });
});

const page = (source: string, title = 'Page'): Artifact => ({ kind: 'page', title, source, template: '' });

describe('versions', () => {
  const first = page('<canvas>\nlet speed = 1;\nlet lives = 3;\ndraw();');
  const second = page('<canvas>\nlet speed = 2;\nlet lives = 3;\ndraw();\nsound();');
  const other = page('<form>\n<input name="a">\n<button>Go</button>');
  it('are what shares its lines or its title', () => {
    expect(rewrites(first, second)).toBe(true);
    expect(rewrites(first, other)).toBe(false);
    expect(rewrites(page('a long line here', 'Snake'), page('quite another', 'Snake'))).toBe(true);
    expect(rewrites(first, { ...second, kind: 'drawing' })).toBe(false);
  });
  it('are grouped, the last one last', () => {
    const at = (artifact: Artifact, message: string) => ({ artifact, message, created: 0 });
    const groups = grouped([at(first, 'm1'), at(other, 'm1'), at(second, 'm2')]);
    expect(groups.map((group) => group.map((each) => each.artifact))).toEqual([[other], [first, second]]);
    expect(grouped([at(first, 'm1'), at(second, 'm1')])).toHaveLength(2); // of one answer: two things
  });
});
