// Makes one tree of nodes like another one with as few changes as there are differences: what a reader has selected, or
// scrolled, stays so while a text grows.

function sameKind(a: Node, b: Node): boolean {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName;
}

function morphAttributes(old: Element, fresh: Element): void {
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
}

function morphText(old: CharacterData, fresh: CharacterData): void {
  if (old.data === fresh.data) return;
  if (fresh.data.startsWith(old.data)) old.appendData(fresh.data.slice(old.data.length));
  else old.data = fresh.data;
}

// What stands in the place of `old` afterwards: it itself, or `fresh` where they are of different kinds.
function morphNode(parent: Node, old: Node, fresh: Node): Node {
  if (!sameKind(old, fresh)) {
    parent.replaceChild(fresh, old);
    return fresh;
  }
  if (old instanceof CharacterData) morphText(old, fresh as CharacterData);
  else if (old instanceof Element) {
    morphAttributes(old, fresh as Element);
    morphNodes(old, [...old.childNodes], [...fresh.childNodes]);
  }
  return old;
}

// `old` are the last children of `parent`. Returns those that stand there afterwards.
export function morphNodes(parent: Node, old: Node[], fresh: Node[]): Node[] {
  for (const node of old.slice(fresh.length)) parent.removeChild(node);
  return fresh.map((node, i) => {
    const before = old[i];
    return before ? morphNode(parent, before, node) : parent.appendChild(node);
  });
}
