// Requests to this server; nothing here ever asks another host.
import { kept } from '../offline/kept';

export class ApiFailure extends Error {
  constructor(
    message: string,
    readonly status: number, // 0: the server wasn't reached
    readonly code = '',
    readonly param = '',
    readonly retryAfter = 0, // seconds; 0: nothing is known
  ) {
    super(message);
  }
}

// What all requests share: the session's token against forged requests, and who is told when it has ended.
// `watch`: who is shown what is asked and answered, the developer's drawer. `reached`: who is told whether the server answers.
export type Watch = (method: string, path: string, payload: BodyInit | null) => (response: Response) => void;
export const access = { csrf: null as string | null, expired: () => {}, watch: null as Watch | null, reached: (_answers: boolean) => {} };

export async function send(method: string, path: string, body?: BodyInit | object, more: RequestInit = {}): Promise<Response> {
  const headers = new Headers(more.headers);
  if (access.csrf && method !== 'GET') headers.set('x-csrf-token', access.csrf);
  let payload: BodyInit | null = null;
  if (body instanceof FormData || typeof body === 'string' || body instanceof Blob) {
    payload = body;
  } else if (body !== undefined) {
    payload = JSON.stringify(body);
    headers.set('content-type', 'application/json');
  }
  const seen = access.watch?.(method, path, payload);
  let response: Response;
  try {
    response = await fetch(path, { ...more, method, headers, body: payload });
    seen?.(response);
    access.reached(true);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    access.reached(false);
    throw new ApiFailure('The server can’t be reached. Is it still running?', 0, 'unreachable');
  }
  if (!response.ok) throw await failureOf(response, path === '/api/session' && method === 'POST');
  return response;
}

// isLogin: 401 means a wrong password there, not that the session has ended.
async function failureOf(response: Response, isLogin: boolean): Promise<ApiFailure> {
  const retry = Number(response.headers.get('retry-after') ?? 0);
  let error: { message?: string; code?: string | null; param?: string | null } = {};
  try {
    error = ((await response.json()) as { error?: typeof error }).error ?? {};
  } catch {
    error.message = `The server answered ${response.status}.`;
  }
  if (response.status === 401 && !isLogin) access.expired();
  return new ApiFailure(error.message ?? '', response.status, error.code ?? '', error.param ?? '', retry);
}

// What was read before is the answer while the server is away.
export async function call<T>(method: string, path: string, body?: BodyInit | object): Promise<T> {
  try {
    const response = await send(method, path, body);
    const value = (response.status === 204 ? undefined : await response.json()) as T;
    if (method === 'GET') kept.put(path, value);
    if (method === 'DELETE') kept.drop(path);
    return value;
  } catch (error) {
    const old = method === 'GET' && error instanceof ApiFailure && error.status === 0 ? kept.get<T>(path) : undefined;
    if (old === undefined) throw error;
    return old;
  }
}

export const fileUrl = (id: string): string => `/api/files/${encodeURIComponent(id)}/content`;
