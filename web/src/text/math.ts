// Formulas as MathML; loaded when the first one is shown.
import temml from 'temml';

// Null for what isn't TeX.
export function mathml(tex: string, display: boolean): string | null {
  try {
    const html = temml.renderToString(tex, { displayMode: display, throwOnError: true, trust: false, maxExpand: 200, maxSize: [20, 200] });
    return html.replaceAll(/ style="[^"]*"/g, ''); // the page's policy allows none, and says so each time
  } catch {
    return null;
  }
}
