// The server's bodies under short names; schema.d.ts is made by `./dev types web/src/api/schema.d.ts app`.
import type { components } from './schema';

type Schemas = components['schemas'];
export type Session = Schemas['Session'];
export type Conversation = Schemas['Conversation'];
export type ConversationPage = Schemas['ConversationPage'];
export type Message = Schemas['Message'];
export type Content = Schemas['Content'];
export type Question = Schemas['Question'];
export type SearchHit = Schemas['SearchHit'];
export type FileInfo = Schemas['File'];
export type RunEvent = { seq: number; agent: number; kind: string; token: number; data: Record<string, unknown> };
export type Account = Schemas['Account'];
export type OpenSession = Schemas['OpenSession'];
export type Key = Schemas['Key'];
export type MadeKey = Schemas['MadeKey'];
export type User = Schemas['User'];
export type Invitation = Schemas['Invitation'];
export type MadeInvitation = Schemas['MadeInvitation'];
export type SteerAction = Schemas['Steer']['action'];
export type Usage = Schemas['Usage'];
export type ImportCounts = Schemas['ImportCounts'];
export type Part = { type: 'text'; text: string } | { type: 'file'; file_id: string };
export type Tree = Conversation & { messages: Message[] };

export interface Model {
  id: string;
  capabilities: {
    model: string;
    family: string;
    mode: string;
    reasoning: boolean;
    reasoning_efforts: string[];
    input: string[];
    context_length: number;
  };
}

// What an answer's meta.details holds once it is done.
export interface Details {
  mode: string;
  finish: string;
  seed: number;
  marks: Record<string, unknown>[];
  vote?: { counts: { answer: string; votes: number }[]; agent: number; mode_e_value: number; mode_certified: boolean };
  tokens: { prompt: number; reasoning: number; answer: number; forced: number };
  timings: { prefill_s: number; first_token_s: number; total_s: number; reasoning_s?: number; cpu_s?: number };
  memory?: { peak_bytes: number };
}

export const partsOf = (content: Content): Part[] =>
  typeof content === 'string' ? (content ? [{ type: 'text', text: content }] : []) : (content as Part[]);

export const filesOf = (content: Content): string[] => partsOf(content).flatMap((part) => (part.type === 'file' ? [part.file_id] : []));

export const textOf = (content: Content): string =>
  partsOf(content)
    .flatMap((part) => (part.type === 'text' ? [part.text] : []))
    .join('\n\n');
