// The wire as a newcomer's curl sees it: Fluxbase's documented examples without Accept, the legacy handshake
// byte by byte, and what other methods, paths and media types get.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import {
    RawConnection,
    call_body,
    credential,
    query_table,
    request,
    rpc,
    run,
    start_stack,
} from './harness.mjs';

const stack = await start_stack();
after(() => stack.stop());
const { gateway, keys } = stack;
const json = { 'Content-Type': 'application/json' };
const post = (body, { key = keys.service, headers, path = '/mcp', method = 'POST' } = {}) =>
    request(gateway, { method, path, body, headers: { ...json, ...credential(key), ...headers } });

describe('the documented examples', () => {
    test('tools/list without Accept is JSON', async () => {
        const { status, headers, body } = await post('{"jsonrpc":"2.0","method":"tools/list","id":1}');
        assert.equal(status, 200);
        assert.match(headers['content-type'], /^application\/json/);
        assert.ok(body.startsWith('{"jsonrpc":"2.0","id":1,"result":{"tools":['), body.slice(0, 80));
        const tool = JSON.parse(body).result.tools.find(({ name }) => name === 'query_table');
        assert.ok(tool.description.length > 20);
        assert.deepEqual(tool.inputSchema.required, ['table']);
        for (const argument of ['table', 'select', 'filter', 'order', 'limit', 'offset'])
            assert.ok(tool.inputSchema.properties[argument], `${argument} is not in the input schema`);
    });

    test('tools/list says the same every time', async () => {
        const first = await post(call_body('tools/list'));
        for (let i = 0; i < 5; i += 1) assert.equal((await post(call_body('tools/list'))).body, first.body);
    });

    test('query_table answers compact JSON text with the columns in select order', async () => {
        const { status, headers, result, text, rows } = await query_table(gateway, keys.service, {
            table: 'users',
            select: 'name,id,email',
            filter: { is_active: 'eq.true' },
            limit: 10,
        });
        assert.equal(status, 200);
        assert.match(headers['content-type'], /^application\/json/);
        assert.equal(result.isError, false);
        assert.equal(result.content.length, 1);
        assert.equal(result.content[0].type, 'text');
        assert.equal(rows.length, 10);
        for (const row of rows) {
            assert.deepEqual(Object.keys(row), ['name', 'id', 'email']);
            assert.match(row.id, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
        }
        assert.equal(text, JSON.stringify(rows));
        assert.equal('structuredContent' in result, false, 'it is not part of the default revision');
    });

    test('curl itself, which sends Accept: */*', async () => {
        const body = call_body('tools/call', {
            name: 'query_table',
            arguments: { table: 'users', select: 'id,email', filter: { is_active: 'eq.true' }, limit: 2 },
        });
        const { code, stdout, stderr } = await run('curl', [
            '-sS',
            '-X',
            'POST',
            gateway.url,
            '-H',
            'Content-Type: application/json',
            '-H',
            `X-Client-Key: ${keys.alice}`,
            '-d',
            body,
        ]);
        assert.equal(code, 0, stderr);
        const { result } = JSON.parse(stdout);
        assert.equal(result.isError, false);
        assert.equal(JSON.parse(result.content[0].text).length, 2);
    });

    test('the filter holds: no inactive user, and as many as there are', async () => {
        const expected = Number(
            await stack.cluster.value('SELECT count(*) FROM public.users WHERE is_active'),
        );
        const { rows } = await query_table(gateway, keys.service, {
            table: 'users',
            filter: { is_active: 'eq.true' },
            limit: 1000,
        });
        assert.equal(rows.length, expected);
        assert.ok(rows.every((row) => row.is_active === true));
    });

    test('no rows are an empty array', async () => {
        const { text } = await query_table(gateway, keys.service, {
            table: 'users',
            filter: { email: 'eq.nobody' },
        });
        assert.equal(text, '[]');
    });

    test('every type of the demo is rendered as documented', async () => {
        const {
            rows: [order],
        } = await query_table(gateway, keys.service, {
            table: 'orders',
            select: 'id,status,total,note,placed_at',
            filter: { note: 'isnot.null' },
            limit: 1,
        });
        assert.equal(typeof order.id, 'number');
        assert.equal(typeof order.status, 'string');
        assert.equal(typeof order.total, 'number');
        assert.match(order.note, /^fragile – "handle with care"$/);
        assert.match(order.placed_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
        const {
            rows: [customer],
        } = await query_table(gateway, keys.service, {
            table: 'customers',
            select: 'tags,profile',
            filter: { id: 'eq.3' },
        });
        assert.deepEqual(customer.tags, ['partner', 'say "hi"']);
        assert.equal(typeof customer.profile.contact.newsletter, 'boolean');
        const {
            rows: [document],
        } = await query_table(gateway, keys.service, { table: 'documents', select: 'embedding', limit: 1 });
        assert.equal(document.embedding.length, 384);
    });

    test('a string limit and an unknown operator are errors that name the argument', async () => {
        for (const [args, words] of [
            [{ table: 'users', limit: '5' }, /limit/],
            [{ table: 'users', limit: 0 }, /limit/],
            [{ table: 'users', filter: { email: 'like5.x' } }, /like5/],
            [{ table: 'users', filter: { email: 7 } }, /email/],
            [{ table: 'user' }, /users/],
            [{ table: 'auth.users' }, /auth\.users/],
            [{}, /table/],
        ]) {
            const { status, result, text } = await query_table(gateway, keys.alice, args, {
                headers: { 'MCP-Protocol-Version': '2025-11-25' },
            });
            assert.equal(status, 200);
            assert.equal(result?.isError, true, JSON.stringify(args));
            assert.match(text, words);
        }
    });
});

describe('the legacy handshake', () => {
    const initialize = (protocolVersion) =>
        rpc(gateway, keys.alice, 'initialize', {
            protocolVersion,
            capabilities: {},
            clientInfo: { name: 'e2e', version: '1' },
        });

    for (const revision of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
        test(`initialize speaks ${revision}`, async () => {
            const {
                status,
                json: { result },
            } = await initialize(revision);
            assert.equal(status, 200);
            assert.equal(result.protocolVersion, revision);
            assert.equal(typeof result.serverInfo.name, 'string');
            assert.equal(typeof result.serverInfo.version, 'string');
            assert.ok(result.capabilities.tools);
        });
    }

    for (const revision of ['2024-10-07', '2026-07-28', '1999-01-01', 'latest']) {
        test(`initialize offers 2025-11-25 to a client that asks for ${revision}`, async () => {
            assert.equal((await initialize(revision)).json.result.protocolVersion, '2025-11-25');
        });
    }

    test('notifications get 202 and nothing else, known or not', async () => {
        for (const method of [
            'notifications/initialized',
            'notifications/cancelled',
            'notifications/of-a-later-day',
        ]) {
            const answer = await post(JSON.stringify({ jsonrpc: '2.0', method }));
            assert.equal(answer.status, 202, method);
            assert.equal(answer.body, '');
        }
    });

    test('ping answers an empty object and the id as it was written', async () => {
        for (const id of ['1', '"a"', '-0', '9007199254740993', '"\\u00e9 \\"q\\""', '""'])
            assert.equal(
                (await post(`{"jsonrpc":"2.0","id":${id},"method":"ping"}`)).body,
                `{"jsonrpc":"2.0","id":${id},"result":{}}`,
            );
    });

    test('structuredContent and outputSchema come with 2025-06-18', async () => {
        for (const [revision, expected] of [
            ['2025-03-26', false],
            ['2025-06-18', true],
            ['2025-11-25', true],
        ]) {
            const headers = { 'MCP-Protocol-Version': revision };
            const { result } = await query_table(
                gateway,
                keys.alice,
                { table: 'users', limit: 1 },
                { headers },
            );
            assert.equal('structuredContent' in result, expected, revision);
            const { json: list } = await rpc(gateway, keys.alice, 'tools/list', undefined, { headers });
            const tool = list.result.tools.find(({ name }) => name === 'query_table');
            assert.equal('outputSchema' in tool, expected, revision);
        }
    });

    test('a revision that is not served is refused', async () => {
        for (const revision of ['2023-01-01', 'nonsense', '2025-06-18 '.repeat(10)]) {
            const { status } = await rpc(gateway, keys.alice, 'ping', undefined, {
                headers: { 'MCP-Protocol-Version': revision },
            });
            assert.equal(status, 400, revision);
        }
    });

    for (const [what, body, code] of [
        ['no JSON', '{', -32700],
        ['trailing bytes', '{"jsonrpc":"2.0","id":1,"method":"ping"}x', -32700],
        ['a byte order mark', '\ufeff{"jsonrpc":"2.0","id":1,"method":"ping"}', -32700],
        [
            'depth 65',
            `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${'['.repeat(65)}${']'.repeat(65)}}}`,
            -32700,
        ],
        ['another version', '{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
        ['no method', '{"jsonrpc":"2.0","id":1}', -32600],
        ['an id that is null', '{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
        ['a method twice', '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list"}', -32600],
    ]) {
        test(`${what} is 400 with ${code}`, async () => {
            const { status, body: answer } = await post(body);
            assert.equal(status, 400, answer);
            assert.equal(JSON.parse(answer).error.code, code);
        });
    }

    test('an unknown method is -32601 in an answer with the id', async () => {
        const { status, json: answer } = await rpc(gateway, keys.alice, 'resources/teleport');
        assert.equal(status, 200);
        assert.equal(answer.error.code, -32601);
        assert.equal(answer.id, 1);
    });

    test('a call without an id is refused and not executed', async () => {
        const { status } = await post(
            '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"query_table","arguments":{"table":"users"}}}',
        );
        assert.equal(status, 400);
    });
});

describe('other methods, paths and media types', () => {
    test('health, livez and readyz need no key', async () => {
        const health = await request(gateway, { path: '/mcp/health' });
        assert.equal(health.status, 200);
        assert.equal(JSON.parse(health.body).status, 'healthy');
        for (const path of ['/livez', '/readyz'])
            assert.equal((await request(gateway, { path })).status, 200, path);
    });

    test('HEAD is GET without the body, and the connection stays in step', async () => {
        const get = await request(gateway, { path: '/mcp/health' });
        const connection = await RawConnection.open(gateway);
        const head = `HEAD /mcp/health HTTP/1.1\r\nHost: localhost:${gateway.port}\r\n\r\n`;
        await connection.write(head + head);
        for (let i = 0; i < 2; i += 1) {
            const answer = await connection.response({ to_head: true });
            assert.equal(answer.status, 200);
            assert.equal(answer.headers['content-length'], get.headers['content-length']);
            assert.equal(answer.headers['content-type'], get.headers['content-type']);
        }
        connection.close();
    });

    test('OPTIONS is 204 and names what is served', async () => {
        const { status, headers, body } = await request(gateway, { method: 'OPTIONS', path: '/mcp' });
        assert.equal(status, 204);
        assert.match(headers.allow, /POST/);
        assert.equal(body, '');
    });

    test('methods that are not served are 405 with Allow', async () => {
        for (const method of ['PUT', 'PATCH', 'TRACE']) {
            const { status, headers } = await request(gateway, { method, path: '/mcp', headers: credential(keys.alice) });
            assert.equal(status, 405, method);
            assert.match(headers.allow, /POST.*GET.*DELETE/);
        }
        // The stateless revision has POST only.
        for (const method of ['GET', 'DELETE']) {
            const { status, headers } = await request(gateway, {
                method,
                path: '/mcp',
                headers: {
                    ...credential(keys.alice),
                    Accept: 'text/event-stream',
                    'MCP-Protocol-Version': '2026-07-28',
                },
            });
            assert.equal(status, 405, method);
            assert.equal(headers.allow, 'POST, OPTIONS');
        }
        assert.equal((await request(gateway, { method: 'POST', path: '/mcp/health', body: '' })).status, 405);
    });

    test('paths are compared byte by byte', async () => {
        for (const path of [
            '/',
            '/mcq',
            '/MCP',
            '/mcp/health/',
            '/mcp/health/../',
            '/mcp%2fhealth',
            '//mcp',
            '/mcp;x',
        ])
            assert.equal((await request(gateway, { path })).status, 404, path);
    });

    test('whoever looks for OAuth hears which key to send', async () => {
        const looks = ['protected-resource', 'protected-resource/mcp', 'authorization-server', 'authorization-server/mcp']
            .map((name) => ({ path: `/.well-known/oauth-${name}` }))
            .concat({ path: '/.well-known/openid-configuration' })
            .concat({ path: '/register', method: 'POST', body: '{"redirect_uris":["http://127.0.0.1:3334/"]}' });
        for (const look of looks) {
            const { status, body } = await request(gateway, look);
            assert.equal(status, 404, look.path);
            const { error, message } = JSON.parse(body);
            assert.equal(error, 'not_found');
            assert.match(message, /no OAuth here: send a key in X-Client-Key or X-Service-Key/);
        }
    });

    test('/mcp/ is /mcp', async () => {
        assert.equal((await post(call_body('ping'), { path: '/mcp/' })).status, 200);
    });

    test('a body that is not application/json is 415', async () => {
        for (const type of ['text/plain', 'application/jsonfoo', 'application/x-www-form-urlencoded', '']) {
            const { status, body } = await post(call_body('ping'), { headers: { 'Content-Type': type } });
            assert.equal(status, 415, type);
            assert.match(body, /unsupported.media.type/i); // as HTTP error or as JSON-RPC error
        }
        for (const type of ['application/json; charset=utf-8', 'Application/JSON'])
            assert.equal(
                (await post(call_body('ping'), { headers: { 'Content-Type': type } })).status,
                200,
                type,
            );
    });

    test('a compressed body is 415', async () => {
        assert.equal(
            (await post(call_body('ping'), { headers: { 'Content-Encoding': 'gzip' } })).status,
            415,
        );
    });

    test('a body of 10,485,760 bytes passes, one more is 413', async () => {
        const frame = call_body('ping', { pad: '' });
        const fit = call_body('ping', { pad: 'x'.repeat(10_485_760 - frame.length) });
        assert.equal((await post(fit)).status, 200);
        const connection = await RawConnection.open(gateway);
        await connection.write(
            `POST /mcp HTTP/1.1\r\nHost: localhost:${gateway.port}\r\nX-Service-Key: ${keys.service}\r\n` +
                'Content-Type: application/json\r\nContent-Length: 10485761\r\n\r\n',
        );
        assert.equal((await connection.response()).status, 413, 'decided by the head alone');
        await connection.closed();
    });

    test('a foreign Host or Origin is refused', async () => {
        const evil = { Host: 'evil.example.com' };
        assert.equal((await post(call_body('ping'), { headers: evil })).status, 421);
        const origin = { Origin: 'https://evil.example.com' };
        const answer = await post(call_body('ping'), { headers: origin });
        assert.equal(answer.status, 403);
        assert.equal(JSON.parse(answer.body).error, 'origin_not_allowed');
        for (const host of [`localhost:${gateway.port}`, `127.0.0.1:${gateway.port}`])
            assert.equal((await post(call_body('ping'), { headers: { Host: host } })).status, 200, host);
    });

    test('every answer forbids sniffing, has a date and a length, and names no server', async () => {
        for (const answer of [
            await request(gateway, { path: '/mcp/health' }),
            await post(call_body('ping')),
            await request(gateway, { path: '/nothing' }),
            await request(gateway, { method: 'POST', path: '/mcp' }),
        ]) {
            assert.equal(answer.headers['x-content-type-options'], 'nosniff');
            assert.ok(Math.abs(Date.parse(answer.headers.date) - Date.now()) < 5_000);
            assert.equal(Number(answer.headers['content-length']), Buffer.byteLength(answer.body));
            assert.equal(answer.headers.server, undefined);
        }
    });
});
