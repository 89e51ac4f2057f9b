// MCP by hand, of both eras: sessions of the legacy revisions, requests of 2026-07-28, streams of events.
//
//     const session = await Session.open(gateway, keys.alice);
//     const stream = await session.stream();
//     await stream.message('notifications/resources/list_changed');
import { call_body, credential, outgoing_request, request } from './http.mjs';
import { eventually } from './processes.mjs';

export const session_revision = '2025-11-25';
export const stateless_revision = '2026-07-28';
export const both_types = 'application/json, text/event-stream';

const meta = 'io.modelcontextprotocol';

// Server-sent events of a text: {event, id, data (parsed), raw}; a comment is {comment}.
function parse_frames(text) {
    return text
        .split('\n\n')
        .filter((frame) => frame !== '')
        .map((frame) => {
            if (frame.startsWith(':')) return { comment: frame.slice(1).trim() };
            const fields = frame.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line)?.slice(1) ?? []);
            const { event, id, retry, data } = Object.fromEntries(fields);
            return { event, id, retry, raw: data, data: data?.startsWith('{') ? JSON.parse(data) : undefined };
        });
}

// An answer that may go on for as long as it likes.
export class EventStream {
    // Resolves at the head, whatever the status.
    static open(target, { method = 'GET', path = '/mcp', headers = {}, body, timeout_ms = 20_000 } = {}) {
        return new Promise((resolve, reject) => {
            const all = { Accept: 'text/event-stream', ...headers };
            const outgoing = outgoing_request(target, { method, path, headers: all, body });
            const timer = setTimeout(
                () => outgoing.destroy(new Error(`no head of an answer in ${timeout_ms} ms`)),
                timeout_ms,
            );
            outgoing.on('error', reject);
            outgoing.on('response', (incoming) => {
                clearTimeout(timer);
                resolve(new EventStream(outgoing, incoming));
            });
            outgoing.end(body);
        });
    }

    constructor(outgoing, incoming) {
        this.outgoing = outgoing;
        this.status = incoming.statusCode;
        this.headers = incoming.headers;
        this.frames = []; // all that came, in order
        this.is_ended = false; // in good order: the last chunk has come
        this.is_closed = false;
        let rest = '';
        incoming.setEncoding('utf8').on('data', (text) => {
            rest += text;
            const end = rest.lastIndexOf('\n\n') + 2;
            if (end < 2) return;
            this.frames.push(...parse_frames(rest.slice(0, end)));
            rest = rest.slice(end);
        });
        incoming.on('end', () => (this.is_ended = true));
        incoming.on('error', () => {});
        incoming.on('close', () => (this.is_closed = true));
        outgoing.on('error', () => {});
    }

    // The events with JSON in them.
    get events() {
        return this.frames.filter(({ data }) => data !== undefined);
    }

    methods() {
        return this.events.map(({ data }) => data.method);
    }

    // The first event that fits, waiting for it.
    event(what, is_it, { timeout_ms = 20_000 } = {}) {
        return eventually(what, () => this.events.find(is_it), { timeout_ms, interval_ms: 5 });
    }

    message(method, options) {
        return this.event(method, ({ data }) => data.method === method, options);
    }

    ended(timeout_ms = 20_000) {
        return eventually('the stream ends', () => this.is_ended, { timeout_ms, interval_ms: 5 });
    }

    // As a client that goes away.
    close() {
        this.outgoing.destroy();
    }
}

async function post(target, headers, body, options) {
    const answer = await request(target, { method: 'POST', path: '/mcp', headers, body, ...options });
    const is_stream = answer.headers['content-type']?.startsWith('text/event-stream');
    const frames = is_stream ? parse_frames(answer.body).filter(({ data }) => data) : undefined;
    const json = is_stream ? frames.at(-1)?.data : answer.body === '' ? undefined : JSON.parse(answer.body);
    return { ...answer, frames, json };
}

// A session of a legacy revision, as a client keeps it: an id from the server, which may give a later one.
export class Session {
    static async open(target, key, { revision = session_revision, capabilities = {}, ...options } = {}) {
        const session = new Session(target, key, undefined, revision);
        const { status, headers, json } = await session.call(
            'initialize',
            {
                protocolVersion: revision,
                capabilities,
                clientInfo: { name: 'fluxgate-e2e', version: '1.0.0' },
            },
            options,
        );
        if (status !== 200 || !json.result) throw new Error(`initialize: ${status} ${JSON.stringify(json)}`);
        session.id = headers['mcp-session-id'];
        session.initialized = json.result;
        await session.notify('notifications/initialized', undefined, options);
        return session;
    }

    constructor(target, key, id, revision = session_revision) {
        Object.assign(this, { target, key, id, revision, next_id: 1 });
    }

    get headers() {
        return {
            Accept: both_types,
            ...credential(this.key),
            ...(this.id ? { 'Mcp-Session-Id': this.id, 'MCP-Protocol-Version': this.revision } : {}),
        };
    }

    // `id`: of the request, for cancelling it.
    call(method, params, { id = this.next_id++, headers, ...options } = {}) {
        const all = { 'Content-Type': 'application/json', ...this.headers, ...headers };
        return post(this.target, all, call_body(method, params, id), options);
    }

    notify(method, params, options) {
        const all = { 'Content-Type': 'application/json', ...this.headers };
        return post(this.target, all, JSON.stringify({ jsonrpc: '2.0', method, params }), options);
    }

    // As query_table() of http.mjs.
    async query(args, options) {
        const answer = await this.call('tools/call', { name: 'query_table', arguments: args }, options);
        return with_rows(answer);
    }

    cancel(id) {
        return this.notify('notifications/cancelled', { requestId: id, reason: 'the test says so' });
    }

    stream({ headers, ...options } = {}) {
        return EventStream.open(this.target, { headers: { ...this.headers, ...headers }, ...options });
    }

    // The answer of a POST as it comes.
    stream_call(method, params, { id = this.next_id++ } = {}) {
        return EventStream.open(this.target, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', ...this.headers },
            body: call_body(method, params, id),
        });
    }

    delete() {
        return request(this.target, { method: 'DELETE', path: '/mcp', headers: this.headers });
    }
}

function with_rows(answer) {
    const result = answer.json?.result;
    const text = result?.content?.[0]?.text;
    return { ...answer, result, text, rows: result && !result.isError ? JSON.parse(text) : undefined };
}

// A request of revision 2026-07-28: {headers, body}, which carry the same things twice, as they must.
export function stateless_request(key, method, params = {}, { id = 1, capabilities = {}, envelope = {} } = {}) {
    const name = params.name ?? params.uri;
    return {
        headers: {
            Accept: both_types,
            'Content-Type': 'application/json',
            'MCP-Protocol-Version': stateless_revision,
            'Mcp-Method': method,
            ...(name === undefined ? {} : { 'Mcp-Name': name }),
            ...credential(key),
        },
        body: call_body(
            method,
            {
                ...params,
                _meta: {
                    [`${meta}/protocolVersion`]: stateless_revision,
                    [`${meta}/clientCapabilities`]: capabilities,
                    [`${meta}/clientInfo`]: { name: 'fluxgate-e2e', version: '1.0.0' },
                    ...envelope,
                },
            },
            id,
        ),
    };
}

export function stateless_call(target, key, method, params, { id, capabilities, envelope, ...options } = {}) {
    const { headers, body } = stateless_request(key, method, params, { id, capabilities, envelope });
    return post(target, headers, body, options);
}

export function stateless_stream(target, key, method, params, options) {
    return EventStream.open(target, {
        method: 'POST',
        ...stateless_request(key, method, params, options),
    });
}

export const subscription_id = (message) => message.params?._meta?.[`${meta}/subscriptionId`];

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

// A signed value with every byte of it changed in turn, in two ways (the second differs in the lowest bit
// only, which a sloppy decoder of base64 may drop), and cut and lengthened.
export function* tampered(value) {
    for (let at = 0; at < value.length; at += 1) {
        const digit = alphabet.indexOf(value[at]);
        const others = digit < 0 ? ['A', '~'] : [alphabet[(digit + 32) % 64], alphabet[digit ^ 1]];
        for (const other of others) yield value.slice(0, at) + other + value.slice(at + 1);
    }
    yield* [value.slice(1), value.slice(0, -1), `${value}A`, `${value}=`, `A${value}`];
}
