// Addresses of the scripts that run beside the page. Its policy lets only named makers give such addresses, and this one
// knows no others.
import documents from '../documents/worker?worker&url';

const addresses = { documents, offline: '/sw.js' };

interface Makers {
  createPolicy(name: string, rules: { createScriptURL: (name: string) => string }): { createScriptURL(name: string): unknown };
}
const makers = (globalThis as { trustedTypes?: Makers }).trustedTypes;
const maker = makers?.createPolicy('melete-worker', { createScriptURL: (name) => addresses[name as keyof typeof addresses] });

export const scriptAddress = (name: keyof typeof addresses): string => (maker ? (maker.createScriptURL(name) as string) : addresses[name]);
