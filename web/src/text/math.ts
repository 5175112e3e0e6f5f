// Formulas as MathML; loaded when the first one is shown.
import temml from 'temml';

// Null for what isn't TeX.
export function mathml(tex: string, display: boolean): string | null {
  try {
    return temml.renderToString(tex, { displayMode: display, throwOnError: true, trust: false, maxExpand: 200, maxSize: [20, 200] });
  } catch {
    return null;
  }
}
