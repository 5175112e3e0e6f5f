// The one gate to the page for HTML that was made from what a model or a file says.
import createPurifier, { type Config } from 'dompurify';

type Hook = (node: Element, data: { attrName: string; attrValue: string; keepAttr: boolean }) => void;

const checkAttribute: Hook = (_node, data) => {
  if (data.attrName === 'class') {
    data.attrValue = data.attrValue
      .split(/\s+/)
      .filter((name) => /^(language-[\w#+.-]*|math|cite|unloaded|h[1-6]|hljs-[\w-]+|hljs|tml-[\w-]+|function_|class_|inherited__)$/.test(name))
      .join(' ');
    if (!data.attrValue) data.keepAttr = false;
  }
  if (data.attrName === 'href' && !/^(https?:\/\/|mailto:)/i.test(data.attrValue)) data.keepAttr = false;
  if (data.attrName === 'src' && !/^data:image\/(png|jpeg|gif|webp);base64,/i.test(data.attrValue)) data.keepAttr = false;
};

const textTags =
  'p br hr h3 h4 h5 h6 ul ol li blockquote pre code em strong del s sub sup kbd mark a table thead tbody tr th td span img'.split(' ');

const textConfig: Config = {
  ALLOWED_TAGS: textTags,
  ALLOWED_ATTR: ['href', 'target', 'rel', 'class', 'src', 'alt', 'align', 'start', 'data-tex', 'data-display'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};
const mathConfig: Config = { USE_PROFILES: { mathMl: true }, FORBID_ATTR: ['style', 'href', 'id', 'xlink:href'] };

const purifier = createPurifier(window);
purifier.addHook('uponSanitizeAttribute', checkAttribute);
let kindSet = '';

// `kind` math: MathML of the typesetter.
export function purify(html: string, kind: 'text' | 'math' = 'text'): DocumentFragment {
  // Reading a configuration takes longer than most blocks.
  if (kind !== kindSet) purifier.setConfig({ ...(kind === 'math' ? mathConfig : textConfig), RETURN_DOM_FRAGMENT: true });
  kindSet = kind;
  return purifier.sanitize(html) as unknown as DocumentFragment;
}
