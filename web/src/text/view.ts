// Shows Markdown that may still be growing: finished blocks stay as they are, and only what differs of the open one is
// changed. Blocks stand in parts, of which the browser lays out those in view alone.
import { blockHtml, blocksOf, settledBlocks } from './markdown';
import { dressCitation, dressCode, dressTable, typeset } from './dress';
import { morphNodes } from './morph';
import { purify } from './purify';

const kLongTail = 4000; // characters; a longer open block is made again less often
const kLongTailWait = 120; // ms
const kPartBlocks = 8;

export class MarkdownView {
  private source = '';
  private settled = 0; // characters of the source that are shown for good
  private depth = 2;
  private part: HTMLElement | null = null; // the last one
  private partBlocks = 0; // that are settled in it
  private open: Node[] = []; // the last nodes of the last part
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
    this.part = null;
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
    const settled = growing ? settledBlocks(blocks) : blocks.length;
    let depth = this.depth;
    const open: Node[] = [];
    blocks.forEach((block, i) => {
      const made = blockHtml(block, depth);
      depth = made.depth;
      const fragment = purify(made.html);
      dress(fragment, i < settled);
      if (i >= settled) {
        open.push(...fragment.childNodes);
        return;
      }
      this.settled += block.raw.length;
      this.depth = depth;
      this.settle(fragment);
    });
    this.open = open.length || this.open.length ? morphNodes(this.lastPart(), this.open, open) : [];
  }

  private settle(fragment: DocumentFragment): void {
    if (!fragment.childNodes.length) return; // space between blocks
    for (const node of this.open) node.parentNode?.removeChild(node);
    this.open = [];
    this.lastPart().append(fragment);
    this.partBlocks += 1;
  }

  private lastPart(): HTMLElement {
    if (!this.part || (this.partBlocks >= kPartBlocks && !this.open.length)) {
      this.part = document.createElement('div');
      this.part.className = 'part';
      this.partBlocks = 0;
      this.root.append(this.part);
    }
    return this.part;
  }
}

function dress(fragment: DocumentFragment, settled: boolean): void {
  for (const pre of fragment.querySelectorAll('pre')) dressCode(pre, settled);
  for (const table of fragment.querySelectorAll('table')) dressTable(table);
  if (settled) for (const span of fragment.querySelectorAll<HTMLElement>('span.cite')) dressCitation(span);
  if (settled) for (const math of fragment.querySelectorAll<HTMLElement>('span.math')) void typeset(math);
}
