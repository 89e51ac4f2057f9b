// HTTP as a test needs it: whole requests for what a good client does, raw bytes for all else, and MCP calls
// on top. Deliberately not fetch: no Accept, no User-Agent, nothing that was not asked for.
import http from 'node:http';
import net from 'node:net';

// What node sends, with nothing of its own but Host and Connection; end(body) is the caller's.
export function outgoing_request(target, { method, path, headers, body, agent, local_address }) {
    const all = { ...headers };
    if (body !== undefined) all['Content-Length'] = Buffer.byteLength(body);
    return http.request({
        host: '127.0.0.1',
        port: target.port,
        method,
        path,
        headers: all,
        agent: agent ?? false,
        localAddress: local_address,
    });
}

// `target` has a port. Resolves to {status, headers, raw_headers, body}; rejects when the connection fails.
export function request(
    target,
    { method = 'GET', path = '/', headers = {}, body, timeout_ms = 20_000, local_address, agent } = {},
) {
    return new Promise((resolve, reject) => {
        const outgoing = outgoing_request(target, { method, path, headers, body, agent, local_address });
        const timer = setTimeout(
            () => outgoing.destroy(new Error(`no whole answer to ${method} ${path} in ${timeout_ms} ms`)),
            timeout_ms,
        );
        outgoing.on('error', (error) => {
            clearTimeout(timer);
            reject(error);
        });
        outgoing.on('response', (incoming) => {
            const parts = [];
            incoming.on('data', (part) => parts.push(part));
            incoming.on('error', reject);
            incoming.on('end', () => {
                clearTimeout(timer);
                resolve({
                    status: incoming.statusCode,
                    headers: incoming.headers,
                    raw_headers: incoming.rawHeaders,
                    body: Buffer.concat(parts).toString('utf8'),
                });
            });
        });
        outgoing.end(body);
    });
}

// The header field for a key, by its form.
export function credential(key) {
    if (!key) return {};
    return key.startsWith('sk_') ? { 'X-Service-Key': key } : { 'X-Client-Key': key };
}

export const call_body = (method, params, id = 1) =>
    JSON.stringify({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) });

// One JSON-RPC message to /mcp. `json` is the parsed answer, undefined if there is no body.
export async function rpc(target, key, method, params, { headers, ...options } = {}) {
    const answer = await request(target, {
        method: 'POST',
        path: '/mcp',
        body: call_body(method, params),
        headers: { 'Content-Type': 'application/json', ...credential(key), ...headers },
        ...options,
    });
    return { ...answer, json: answer.body === '' ? undefined : JSON.parse(answer.body) };
}

// A call of query_table. `rows` is set when it went well, `text` in any case.
export async function query_table(target, key, args, options) {
    const answer = await rpc(target, key, 'tools/call', { name: 'query_table', arguments: args }, options);
    const result = answer.json?.result;
    const text = result?.content?.[0]?.text;
    return { ...answer, result, text, rows: result && !result.isError ? JSON.parse(text) : undefined };
}

// The bytes of a POST /mcp, for raw connections.
export function post_bytes(target, key, body, extra = '') {
    const [[name, value]] = Object.entries(credential(key));
    return Buffer.from(
        `POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nContent-Type: application/json\r\n` +
            `${name}: ${value}\r\n${extra}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
}

// A connection whose every byte the test decides. Answers are taken by Content-Length or chunked.
export class RawConnection {
    static open(target, { local_address } = {}) {
        return new Promise((resolve, reject) => {
            const socket = net.connect({
                host: '127.0.0.1',
                port: target.port,
                localAddress: local_address,
                allowHalfOpen: true,
            });
            socket.once('error', reject);
            socket.once('connect', () => {
                socket.off('error', reject);
                resolve(new RawConnection(socket));
            });
        });
    }

    constructor(socket) {
        this.socket = socket.setNoDelay(true);
        this.received = Buffer.alloc(0);
        this.is_ended = false; // the server has closed its side
        this.error = null;
        this.waiters = [];
        const wake = () => this.waiters.splice(0).forEach((waiter) => waiter());
        socket.on('data', (bytes) => {
            this.received = this.received.length === 0 ? bytes : Buffer.concat([this.received, bytes]);
            wake();
        });
        socket.on('end', () => {
            this.is_ended = true;
            wake();
        });
        socket.on('error', (error) => {
            this.error = error;
            wake();
        });
        socket.on('close', () => {
            this.is_ended = true;
            wake();
        });
    }

    write(bytes) {
        return new Promise((resolve) => this.socket.write(bytes, () => resolve()));
    }

    half_close() {
        this.socket.end();
    }

    // The kernel answers whatever still comes with RST.
    reset() {
        this.socket.resetAndDestroy();
    }

    close() {
        this.socket.destroy();
    }

    // Until `condition` holds; false when the peer has ended before that.
    async until(condition, timeout_ms = 20_000) {
        const end = Date.now() + timeout_ms;
        while (!condition()) {
            if (this.error || this.is_ended) return false;
            if (Date.now() >= end) throw new Error(`nothing from the server in ${timeout_ms} ms`);
            await new Promise((resolve) => {
                const timer = setTimeout(resolve, Math.max(1, end - Date.now()));
                this.waiters.push(() => {
                    clearTimeout(timer);
                    resolve();
                });
            });
        }
        return true;
    }

    async closed(timeout_ms = 20_000) {
        await this.until(() => false, timeout_ms);
    }

    // The next whole answer, or null when the connection ends before it.
    async response({ timeout_ms = 20_000, to_head = false } = {}) {
        if (!(await this.until(() => this.received.includes('\r\n\r\n'), timeout_ms))) return null;
        const head_end = this.received.indexOf('\r\n\r\n') + 4;
        const [first, ...lines] = this.received
            .subarray(0, head_end - 4)
            .toString('latin1')
            .split('\r\n');
        const headers = Object.fromEntries(
            lines.map((line) => {
                const colon = line.indexOf(':');
                return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
            }),
        );
        const status = Number(first.split(' ')[1]);
        const length = to_head || status === 204 ? 0 : Number(headers['content-length'] ?? NaN);
        if (Number.isNaN(length)) return this.chunked_response(status, headers, head_end, timeout_ms);
        if (!(await this.until(() => this.received.length >= head_end + length, timeout_ms))) return null;
        const body = this.received.subarray(head_end, head_end + length).toString('utf8');
        this.received = this.received.subarray(head_end + length);
        return { status, headers, body };
    }

    async chunked_response(status, headers, head_end, timeout_ms) {
        if (headers['transfer-encoding'] !== 'chunked') throw new Error('an answer of unknown length');
        const parts = [];
        for (let at = head_end; ;) {
            const line_end = () => this.received.indexOf('\r\n', at);
            if (!(await this.until(() => line_end() >= 0, timeout_ms))) return null;
            const size = Number.parseInt(this.received.subarray(at, line_end()).toString('latin1'), 16);
            const start = line_end() + 2;
            if (!(await this.until(() => this.received.length >= start + size + 2, timeout_ms))) return null;
            parts.push(this.received.subarray(start, start + size));
            at = start + size + 2;
            if (size === 0) {
                this.received = this.received.subarray(at);
                return { status, headers, body: Buffer.concat(parts).toString('utf8') };
            }
        }
    }
}
