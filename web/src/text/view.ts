// Shows Markdown that may still be growing: finished blocks stay as they are, only the open one is made again.
import { blockHtml, blocksOf, settledBlocks } from './markdown';
import { dressCode, dressTable, typeset } from './dress';
import { purify } from './purify';

const kLongTail = 4000; // characters; a longer open block is made again less often
const kLongTailWait = 120; // ms

export class MarkdownView {
  private source = '';
  private settled = 0; // characters of the source that are shown for good
  private depth = 2;
  private open: Node[] = [];
  private shownAt = 0;

  constructor(private readonly root: HTMLElement) {}

  update(source: string, growing: boolean): void {
    if (growing && source === this.source) return;
    if (!source.startsWith(this.source.slice(0, this.settled))) this.clear();
    const now = performance.now();
    if (growing && source.length - this.settled > kLongTail && now - this.shownAt < kLongTailWait) return;
    this.shownAt = now;
    this.source = source;
    this.show(growing);
  }

  private clear(): void {
    this.root.replaceChildren();
    this.open = [];
    this.settled = 0;
    this.depth = 2;
  }

  private show(growing: boolean): void {
    let { blocks, hasDefinitions } = blocksOf(this.source.slice(this.settled));
    if (!growing && hasDefinitions && this.settled > 0) {
      this.clear();
      ({ blocks } = blocksOf(this.source));
    }
    for (const node of this.open) node.parentNode?.removeChild(node);
    this.open = [];
    const settled = growing ? settledBlocks(blocks) : blocks.length;
    let depth = this.depth;
    blocks.forEach((block, i) => {
      const made = blockHtml(block, depth);
      depth = made.depth;
      const fragment = purify(made.html);
      if (i < settled) {
        this.settled += block.raw.length;
        this.depth = depth;
      }
      dress(fragment, i < settled);
      if (i >= settled) this.open.push(...fragment.childNodes);
      this.root.append(fragment);
    });
  }
}

function dress(fragment: DocumentFragment, settled: boolean): void {
  for (const pre of fragment.querySelectorAll('pre')) dressCode(pre, settled);
  for (const table of fragment.querySelectorAll('table')) dressTable(table);
  if (settled) for (const math of fragment.querySelectorAll<HTMLElement>('span.math')) void typeset(math);
}
