// Clients that die, cut, dribble and flood. Afterwards the server has no descriptor more than before.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import {
    Process,
    RawConnection,
    call_body,
    create_slow_view,
    eventually,
    is_sanitized,
    make_directory,
    post_bytes,
    query_table,
    request,
    start_stack,
} from './harness.mjs';

const stack = await start_stack({
    loops: 2,
    config: {
        gateway: {
            limits: {
                head_timeout: '2s',
                body_idle_timeout: '2s',
                write_idle_timeout: '2s',
                keep_alive_timeout: '3s',
            },
        },
    },
});
after(() => stack.stop());
const { cluster, gateway, keys } = stack;
await create_slow_view(cluster, 'one_second', 1);
// 16 MB: more than the kernel's buffers take on both sides.
await cluster.query(`CREATE VIEW public.megabytes AS SELECT n, repeat('x', 1000000) AS text FROM generate_series(1, 16) n;
    GRANT SELECT ON public.megabytes TO authenticated`);
const megabyte = 1 << 20;

// Every lane is open and every cache filled, so that what is left over later is a leak.
for (let i = 0; i < 20; i += 1)
    for (const key of Object.values(keys)) await query_table(gateway, key, { table: 'products', limit: 1 });
await query_table(gateway, keys.alice, { table: 'one_second' });
await query_table(gateway, keys.alice, { table: 'megabytes' });

const ping = post_bytes(gateway, keys.alice, call_body('ping'));
// Descriptors without PostgreSQL's: lanes may come and go. 0 for whoever may not look.
const client_fds = async () =>
    gateway.stats.fds === null ? 0 : gateway.stats.fds - (await cluster.backends()).length;
const { count: base_fds } = await eventually('a quiet server', async () => {
    const first = await client_fds();
    return first === (await client_fds()) && { count: first };
});
const back_at_base = () =>
    eventually(`the descriptors are ${base_fds} again`, async () => (await client_fds()) <= base_fds, {
        timeout_ms: 10_000,
        interval_ms: 50,
    });
const still_well = async () =>
    assert.equal((await query_table(gateway, keys.bob, { table: 'products' })).status, 200);

describe('kill -9 of a client', () => {
    const script = path.join(path.dirname(fileURLToPath(import.meta.url)), 'support/rude_peer.mjs');
    const log_directory = make_directory();

    async function kill_in(phase, count) {
        const log = path.join(log_directory, `peer-${phase}-${Math.random().toString(36).slice(2)}.txt`);
        const peer = new Process(
            `peer ${phase}`,
            process.execPath,
            [script, String(gateway.port), phase, String(count), keys.alice, '127.0.0.1'],
            { log },
        );
        await eventually(`the peer is in phase ${phase}`, () => {
            if (!peer.is_running) throw new Error(`the peer has ended: ${peer.log_text()}`);
            return peer.log_text().includes('ready');
        });
        peer.signal('SIGKILL');
        await peer.wait(5_000);
    }

    for (const [phase, count] of [
        ['connected', 50],
        ['head', 50],
        ['body', 50],
        ['waiting', 4],
        ['reading', 8],
        ['between', 50],
        ['flood', 4],
    ]) {
        test(`in the phase "${phase}" leaves nothing behind`, async () => {
            await kill_in(phase, count);
            await back_at_base();
            await still_well();
        });
    }

    test('again and again does not grow the memory', async () => {
        const round = async () => {
            for (const [phase, count] of [
                ['head', 50],
                ['body', 50],
                ['reading', 8],
                ['flood', 4],
            ])
                await kill_in(phase, count);
            await back_at_base();
            return gateway.stats.rss_bytes;
        };
        // The allocator keeps what was used at once; what it keeps varies, what leaks adds up.
        const early = Math.max(await round(), await round());
        const late = Math.min(await round(), await round(), await round());
        if (!is_sanitized) assert.ok(late < early + 16 * megabyte, `${early} bytes grew to ${late}`);
    });
});

describe('cut connections', () => {
    test('RST in every phase', async () => {
        for (const bytes of [
            Buffer.alloc(0),
            ping.subarray(0, 40),
            ping.subarray(0, -5),
            ping,
            Buffer.concat(Array(50).fill(ping)),
        ]) {
            await Promise.all(
                Array.from({ length: 20 }, async () => {
                    const connection = await RawConnection.open(gateway);
                    if (bytes.length) await connection.write(bytes);
                    connection.reset();
                }),
            );
        }
        await back_at_base();
        await still_well();
    });

    test('a half-closed client gets its answer, and then the end', async () => {
        for (const body of [
            call_body('ping'),
            call_body('tools/call', { name: 'query_table', arguments: { table: 'one_second' } }),
        ]) {
            const connection = await RawConnection.open(gateway);
            await connection.write(post_bytes(gateway, keys.alice, body));
            connection.half_close();
            const answer = await connection.response();
            assert.equal(answer?.status, 200);
            await connection.closed(5_000);
        }
    });

    test('the end in the middle of a body is not a request', async () => {
        const text = call_body('tools/call', { name: 'query_table', arguments: { table: 'products' } });
        const connection = await RawConnection.open(gateway);
        await connection.write(post_bytes(gateway, keys.alice, text).subarray(0, -1));
        connection.half_close();
        const answer = await connection.response();
        assert.ok(answer === null || answer.status === 400, JSON.stringify(answer));
        await connection.closed(5_000);
    });
});

describe('slow and greedy clients', () => {
    test('one byte a segment is as good as one segment', async () => {
        const connection = await RawConnection.open(gateway);
        for (const byte of ping) await connection.write(Buffer.of(byte));
        assert.equal((await connection.response()).status, 200);
        await connection.write(ping);
        assert.equal((await connection.response()).status, 200);
        connection.close();
    });

    test('a head that does not end is 408 after its time, however it trickles', async () => {
        const connection = await RawConnection.open(gateway);
        const start = Date.now();
        await connection.write('POST /mcp HTTP/1.1\r\n');
        const timer = setInterval(() => connection.socket.write('X-Slow: 1\r\n'), 100);
        const answer = await connection.response({ timeout_ms: 10_000 });
        clearInterval(timer);
        assert.equal(answer.status, 408);
        assert.equal(JSON.parse(answer.body).error, 'request_timeout');
        assert.ok(
            Date.now() - start >= 1_900 && Date.now() - start < 6_000,
            `after ${Date.now() - start} ms`,
        );
        await connection.closed(5_000);
    });

    test('a connection that never says anything is closed without a word', async () => {
        const connection = await RawConnection.open(gateway);
        await connection.write('\r\n'); // an empty line before a request counts as nothing yet
        await connection.closed(10_000);
        assert.ok(connection.received.length === 0 || connection.received.includes(' 408 '));
    });

    test('a body that stops is 408', async () => {
        const connection = await RawConnection.open(gateway);
        await connection.write(ping.subarray(0, -3));
        const answer = await connection.response({ timeout_ms: 10_000 });
        assert.equal(answer.status, 408);
        await connection.closed(5_000);
    });

    test('a client that does not read its answer is cut', async () => {
        const connection = await RawConnection.open(gateway);
        connection.socket.pause();
        await connection.write(
            post_bytes(
                gateway,
                keys.alice,
                call_body('tools/call', { name: 'query_table', arguments: { table: 'megabytes' } }),
            ),
        );
        await back_at_base();
        connection.socket.resume();
        await connection.closed(5_000);
        await still_well();
    });

    test('5,000 pipelined requests are answered in order, and are not all read ahead', async () => {
        const connection = await RawConnection.open(gateway);
        connection.socket.pause();
        const before = gateway.stats.rss_bytes;
        const count = 5_000;
        let written = 0;
        for (let id = 1; id <= count; id += 1)
            connection.socket.write(
                post_bytes(gateway, keys.alice, call_body('ping', undefined, id)),
                () => (written += 1),
            );
        await request(gateway, { path: '/livez' });
        if (!is_sanitized) assert.ok(gateway.stats.rss_bytes < before + 8 * megabyte);
        connection.socket.resume();
        for (let id = 1; id <= count; id += 1) {
            const answer = await connection.response();
            assert.equal(answer.status, 200);
            assert.equal(JSON.parse(answer.body).id, id);
        }
        assert.equal(written, count);
        connection.close();
        await back_at_base();
    });

    test('one request may be all the requests of its connection', async () => {
        const connection = await RawConnection.open(gateway);
        await connection.write(
            Buffer.from(ping.toString('latin1').replace('\r\n', '\r\nConnection: close\r\n'), 'latin1'),
        );
        const answer = await connection.response();
        assert.equal(answer.status, 200);
        assert.equal(answer.headers.connection, 'close');
        await connection.closed(5_000);
    });

    test('a TLS hello on the plain port is 400 or the end, and nothing else', async () => {
        const connection = await RawConnection.open(gateway);
        await connection.write(Buffer.from('16030100a5010000a10303', 'hex'));
        const answer = await connection.response();
        assert.ok(answer === null || answer.status === 400);
        await connection.closed(5_000);
        await back_at_base();
    });

    test('the 257th connection of an address is turned away, another address is served', async () => {
        const local_address = '127.0.3.1';
        const connections = [];
        for (let i = 0; i < 256; i += 1)
            connections.push(await RawConnection.open(gateway, { local_address }));
        await connections[255].write(ping);
        assert.equal((await connections[255].response()).status, 200);
        const extra = await RawConnection.open(gateway, { local_address });
        await extra.write(ping).catch(() => {});
        const answer = await extra.response();
        assert.ok(answer === null || answer.status === 503 || answer.status === 429, JSON.stringify(answer));
        await extra.closed(5_000);
        assert.equal(
            (await request(gateway, { path: '/mcp/health', local_address: '127.0.3.2' })).status,
            200,
        );
        connections.forEach((connection) => connection.close());
        await back_at_base();
    });
});
