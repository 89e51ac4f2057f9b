// What the server says unasked: streams of sessions, of 2024-11-05's transport and of subscriptions/listen; and what
// it says before it answers. The product's own events come from changes of the schema.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, test } from 'node:test';

import * as split from '@modelcontextprotocol/client';
import { Client as SdkClient } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResourceListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

import {
    EventStream,
    Gateway,
    Session,
    call_body,
    create_slow_view,
    credential,
    eventually,
    people,
    request,
    start_stack,
    stateless_stream,
    subscription_id,
} from './harness.mjs';

// So that all slow calls of a test run at once, whichever core has them.
const stack = await start_stack({ loops: 2, config: { gateway: { database: { slow_lanes: 4 } } } });
after(() => stack.stop());
const { cluster, gateway, keys } = stack;

// A second is the bar; how long it took is printed, as a busy machine says nothing about the product.
const announced = { timeout_ms: 20_000 };
const list_changed = 'notifications/resources/list_changed';
const updated = 'notifications/resources/updated';
const uri_of = (table) => `fluxbase://schema/tables/public/${table}`;

let tables = 0;
// In one transaction: one change.
const create_table = (name = `streamed_${(tables += 1)}`) =>
    cluster.query(`BEGIN;
        CREATE TABLE public.${name} (id int);
        GRANT SELECT ON public.${name} TO authenticated, service_role;
        COMMIT`);
const events_of = (stream, method) => stream.events.filter(({ data }) => data.method === method);
const count = (stream, method) => events_of(stream, method).length;
// Once more, and later than what is there.
const again = (stream, method, change) => {
    const seen = count(stream, method);
    return Promise.all([
        eventually(`another ${method}`, () => count(stream, method) > seen, { ...announced, interval_ms: 5 }),
        change(),
    ]);
};

before(() => create_slow_view(cluster, 'five_seconds', 5));

describe("a session's stream", () => {
    test('is a stream of events that no proxy keeps back', async (t) => {
        const session = await Session.open(gateway, keys.alice);
        const stream = await session.stream();
        t.after(() => stream.close());
        assert.equal(stream.status, 200);
        assert.match(stream.headers['content-type'], /^text\/event-stream/);
        assert.match(stream.headers['cache-control'], /no-cache/);
        assert.equal(stream.headers['x-accel-buffering'], 'no');
        const priming = await eventually('the first event', () => stream.frames[0]);
        assert.ok(priming.id && priming.retry, 'it says from where and when to come back');
        assert.equal(priming.raw ?? '', '');
    });

    test('older revisions get no event without data', async (t) => {
        for (const revision of ['2025-03-26', '2025-06-18']) {
            const session = await Session.open(gateway, keys.alice, { revision });
            const stream = await session.stream();
            t.after(() => stream.close());
            await again(stream, list_changed, create_table);
            for (const frame of stream.frames) assert.ok(frame.data, JSON.stringify(frame));
        }
    });

    test('says that there is a new table, on every stream and core', async (t) => {
        const sessions = await Promise.all(
            Array.from({ length: 16 }, (_, index) =>
                Session.open(gateway, index % 2 ? keys.alice : keys.service),
            ),
        );
        const streams = await Promise.all(sessions.map((session) => session.stream()));
        t.after(() => streams.forEach((stream) => stream.close()));
        await create_table('announced');
        const start = performance.now();
        for (const stream of streams) await stream.message(list_changed, announced);
        t.diagnostic(`all told after ${Math.round(performance.now() - start)} ms`);
        for (const session of sessions) {
            const { json } = await session.call('resources/read', { uri: uri_of('announced') });
            assert.ok(json.result, `what it heard of can be read: ${JSON.stringify(json.error)}`);
        }
        for (const stream of streams) assert.equal(count(stream, list_changed), 1, 'each hears it once');
    });

    test('says of a resource that it has changed to those who follow it, and nobody else', async (t) => {
        const follower = await Session.open(gateway, keys.alice);
        const bystander = await Session.open(gateway, keys.alice);
        const streams = await Promise.all([follower.stream(), bystander.stream()]);
        t.after(() => streams.forEach((stream) => stream.close()));
        const [stream, other] = streams;
        // Heard of before they are followed: their making is a change of them too.
        for (const table of ['followed', 'ignored']) await again(stream, list_changed, () => create_table(table));
        const follow = await follower.call('resources/subscribe', { uri: uri_of('followed') });
        assert.deepEqual(follow.json.result, {});
        await cluster.query('ALTER TABLE public.ignored ADD COLUMN a int');
        await again(stream, updated, () => cluster.query('ALTER TABLE public.followed ADD COLUMN a int'));
        for (const { data } of events_of(stream, updated))
            assert.equal(data.params.uri, uri_of('followed'));
        assert.equal(count(other, updated), 0);
        const { json } = await follower.call('resources/read', { uri: uri_of('followed') });
        assert.match(json.result.contents[0].text, /"a"/, 'and it reads differently now');

        const unfollow = await follower.call('resources/unsubscribe', { uri: uri_of('followed') });
        assert.deepEqual(unfollow.json.result, {});
        const before_that = count(stream, updated);
        await cluster.query('ALTER TABLE public.followed ADD COLUMN b int');
        await again(stream, list_changed, create_table); // behind the other change
        assert.equal(count(stream, updated), before_that);
    });

    test('goes on where the client lost it', async (t) => {
        const session = await Session.open(gateway, keys.alice);
        const stream = await session.stream();
        await again(stream, list_changed, create_table);
        await again(stream, list_changed, create_table);
        const ids = events_of(stream, list_changed).map(({ id }) => id);
        assert.equal(new Set(ids).size, 2);
        stream.close();
        await create_table(); // while nobody listens

        const rest = await session.stream({ headers: { 'Last-Event-ID': ids[1] } });
        const missed = await rest.message(list_changed, announced);
        assert.equal(count(rest, list_changed), 1, 'what it had heard does not come again');
        rest.close();
        const more = await session.stream({ headers: { 'Last-Event-ID': ids[0] } });
        t.after(() => more.close());
        await eventually('both come', () => count(more, list_changed) === 2, announced);
        assert.deepEqual(
            events_of(more, list_changed).map(({ id }) => id),
            [ids[1], missed.id],
        );
        await again(more, list_changed, create_table);
    });

    test('a later connection takes it over from an earlier one', async (t) => {
        const session = await Session.open(gateway, keys.alice);
        const first = await session.stream();
        const second = await session.stream();
        t.after(() => second.close());
        await first.ended();
        await again(second, list_changed, create_table);
        assert.equal(count(first, list_changed), 0, 'a message goes to one stream');
    });

    test('is not there without a session, without Accept, or in 2026-07-28', async () => {
        const get = async (headers) =>
            (await request(gateway, { path: '/mcp', headers: { ...credential(keys.alice), ...headers } })).status;
        const Accept = 'text/event-stream';
        const session = await Session.open(gateway, keys.alice);
        assert.equal(await get({ Accept, 'MCP-Protocol-Version': '2025-11-25' }), 405);
        assert.equal(await get({ Accept, 'MCP-Protocol-Version': '2026-07-28' }), 405);
        assert.equal(await get({ Accept: 'application/json', 'Mcp-Session-Id': session.id }), 406);
        assert.equal(await get({ Accept, 'MCP-Protocol-Version': '1999-01-01' }), 400);
        assert.equal((await EventStream.open(gateway)).status, 401, 'without a key');
    });
});

describe("2024-11-05's transport", () => {
    async function connected(t, key) {
        const client = new SdkClient({ name: 'fluxgate-e2e', version: '1.0.0' });
        const transport = new SSEClientTransport(new URL(gateway.url), {
            requestInit: { headers: credential(key) },
        });
        await client.connect(transport);
        t.after(() => client.close());
        return client;
    }

    test("serves the SDK's client: tools, rows, errors and what it did not ask for", async (t) => {
        const client = await connected(t, keys.alice);
        const { tools } = await client.listTools();
        assert.ok(tools.some(({ name }) => name === 'query_table'));
        const query = (args) => client.callTool({ name: 'query_table', arguments: args });
        const rows = JSON.parse((await query({ table: 'products', select: 'sku', limit: 3 })).content[0].text);
        assert.equal(rows.length, 3);
        assert.equal((await query({ table: 'no_such_table' })).isError, true);
        await assert.rejects(client.callTool({ name: 'no_such_tool', arguments: {} }), /no_such_tool/);
        const heard = new Promise((resolve) =>
            client.setNotificationHandler(ResourceListChangedNotificationSchema, resolve),
        );
        await create_table();
        await eventually('the client hears of a new table', () => Promise.race([heard, undefined]), announced);
    });

    test('answers fifty calls at once on one stream, each with its own rows', async (t) => {
        const client = await connected(t, keys.service);
        const ids = await Promise.all(
            Array.from({ length: 50 }, async (_, index) => {
                const result = await client.callTool({
                    name: 'query_table',
                    arguments: { table: 'products', select: 'id', filter: { id: `eq.${index + 1}` } },
                });
                return JSON.parse(result.content[0].text)[0].id;
            }),
        );
        assert.deepEqual(
            ids,
            Array.from({ length: 50 }, (_, index) => index + 1),
        );
    });

    test('its address is of one principal, and is over with the stream', async () => {
        const stream = await EventStream.open(gateway, { headers: credential(keys.alice) });
        const { raw: path } = await eventually('the address', () =>
            stream.frames.find(({ event }) => event === 'endpoint'),
        );
        assert.match(path, /^\/mcp\?sessionId=/);
        const post = async (key, to = path) =>
            (
                await request(gateway, {
                    method: 'POST',
                    path: to,
                    body: call_body('ping', undefined, 5),
                    headers: { 'Content-Type': 'application/json', ...credential(key) },
                })
            ).status;
        assert.equal(await post(keys.bob), 404);
        assert.equal(await post(keys.alice, `${path.slice(0, -2)}AA`), 404);
        assert.equal(await post(keys.alice), 202);
        await stream.event('the answer', ({ data }) => data.id === 5);
        assert.equal(stream.events.length, 1);
        stream.close();
        await eventually('it is over', async () => (await post(keys.alice)) === 404);
    });
});

describe('subscriptions/listen', () => {
    const listen = (notifications, options) =>
        stateless_stream(gateway, keys.alice, 'subscriptions/listen', { notifications }, options);

    test('acknowledges first, and then tells what was asked for only, with its id', async (t) => {
        await create_table('listened');
        const all = await listen(
            { resourcesListChanged: true, toolsListChanged: true, resourceSubscriptions: [uri_of('listened')] },
            { id: 'listen "1"' },
        );
        const other = await listen({ promptsListChanged: true }, { id: 2 });
        t.after(() => [all, other].forEach((stream) => stream.close()));
        assert.equal(all.status, 200);
        const [first] = await eventually('the acknowledgement', () => all.events.length && all.events);
        assert.equal(first.data.method, 'notifications/subscriptions/acknowledged');
        assert.deepEqual(first.data.params.notifications, {
            toolsListChanged: true,
            resourcesListChanged: true,
            resourceSubscriptions: [uri_of('listened')],
        });
        await again(all, updated, () => cluster.query('ALTER TABLE public.listened ADD COLUMN a int'));
        await again(all, list_changed, create_table);
        for (const { data, id } of all.events) {
            assert.equal(subscription_id(data), 'listen "1"');
            assert.equal(id, undefined, 'nobody can come back to it');
        }
        assert.deepEqual(other.methods(), ['notifications/subscriptions/acknowledged']);
        assert.equal(subscription_id(other.events[0].data), 2, 'the id keeps its type');
    });

    test('without kinds, or with wrong ones, is refused or acknowledges none of them', async () => {
        const without = await stateless_stream(gateway, keys.alice, 'subscriptions/listen', {});
        assert.equal(without.status, 200);
        await eventually('the refusal', () => without.is_ended);
        assert.match(without.headers['content-type'], /^application\/json/);
        const none = await listen({ toolsListChanged: 'yes', nonsense: true, resourceSubscriptions: [7] });
        const { data } = await none.event('the acknowledgement', () => true);
        assert.deepEqual(data.params.notifications, {});
        none.close();
    });
});

describe('every 15 s', { concurrency: true }, () => {
    test('a stream says that it is there', { timeout: 40_000 }, async (t) => {
        const session = await Session.open(gateway, keys.alice);
        const kept = [await session.stream(), await EventStream.open(gateway, { headers: credential(keys.alice) })];
        t.after(() => kept.forEach((stream) => stream.close()));
        const began = Date.now();
        for (const stream of kept) {
            await eventually('a comment', () => stream.frames.some(({ comment }) => comment !== undefined), {
                timeout_ms: 20_000,
            });
        }
        const took = Date.now() - began;
        assert.ok(took > 13_000 && took < 18_000, `${took} ms`);
    });

    test('a revoked key ends its streams, and no others', { timeout: 60_000 }, async (t) => {
        const make = ['clientkeys', 'create', '--name', 'streams', '--scopes', 'read:tables', '--user', people.alice.id];
        const key = await gateway.create_key(...make);
        const session = await Session.open(gateway, key);
        const other = await (await Session.open(gateway, keys.alice)).stream();
        const listening = await stateless_stream(
            gateway,
            key,
            'subscriptions/listen',
            { notifications: { toolsListChanged: true } },
            { id: 1 },
        );
        const streams = [
            await session.stream(),
            await EventStream.open(gateway, { headers: credential(key) }),
            listening,
        ];
        t.after(() => [...streams, other].forEach((stream) => stream.close()));
        for (const stream of streams) await eventually('its first event', () => stream.frames.length > 0);
        const began = Date.now();
        await gateway.command_ok('clientkeys', 'revoke', key.slice(0, 12));
        for (const stream of streams) await stream.ended(20_000);
        t.diagnostic(`the last one ended after ${Date.now() - began} ms`);
        assert.equal(listening.events.filter(({ data }) => data.result).length, 0, 'not as if all had been told');
        await again(other, list_changed, create_table);
    });
});

describe('progress', { concurrency: true }, () => {
    const clients = {
        'SDK 1.x': [SdkClient, StreamableHTTPClientTransport],
        'SDK 1.x, HTTP+SSE': [SdkClient, SSEClientTransport],
        'client 2.x': [split.Client, split.StreamableHTTPClientTransport],
    };
    for (const [name, [Client, Transport]] of Object.entries(clients)) {
        test(`${name} hears that a slow call goes on`, async (t) => {
            const client = new Client({ name: 'fluxgate-e2e', version: '1.0.0' });
            await client.connect(
                new Transport(new URL(gateway.url), { requestInit: { headers: credential(keys.service) } }),
            );
            t.after(() => client.close());
            const heard = [];
            const options = { timeout: 20_000, onprogress: (progress) => heard.push(progress) };
            const call = { name: 'query_table', arguments: { table: 'five_seconds' } };
            const result = await (Client === SdkClient
                ? client.callTool(call, undefined, options)
                : client.callTool(call, options));
            assert.deepEqual(JSON.parse(result.content[0].text), [{ state: 'done' }]);
            assert.ok(heard.length >= 2, JSON.stringify(heard));
            for (let i = 1; i < heard.length; i += 1) assert.ok(heard[i].progress > heard[i - 1].progress);
        });
    }

    test('is told to those who asked only', async () => {
        const session = await Session.open(gateway, keys.service);
        const answer = await session.query({ table: 'five_seconds' });
        assert.match(answer.headers['content-type'], /^application\/json/);
        assert.deepEqual(answer.rows, [{ state: 'done' }]);
    });
});

describe('a drain', () => {
    test('ends all streams at once, in good order, and exits 0', async () => {
        const own = await new Gateway(cluster, { loops: 2 }).start();
        const sessions = await Promise.all(Array.from({ length: 8 }, () => Session.open(own, keys.alice)));
        const streams = await Promise.all(sessions.map((session) => session.stream()));
        for (let i = 0; i < 4; i += 1)
            streams.push(await EventStream.open(own, { headers: credential(keys.alice) }));
        const listening = await Promise.all(
            Array.from({ length: 4 }, (_, index) =>
                stateless_stream(
                    own,
                    keys.alice,
                    'subscriptions/listen',
                    { notifications: { toolsListChanged: true } },
                    { id: index },
                ),
            ),
        );
        for (const stream of listening) await stream.event('the acknowledgement', () => true);
        const began = Date.now();
        own.process.signal('SIGTERM');
        for (const stream of [...streams, ...listening]) await stream.ended(2_000);
        const ended = Date.now() - began;
        assert.equal(await own.process.wait(5_000), 0);
        assert.ok(ended < 1_500, `the last stream ended after ${ended} ms`);
        listening.forEach((stream, index) => {
            const { data } = stream.events.at(-1);
            assert.equal(data.id, index);
            assert.equal(data.result.resultType, 'complete');
            assert.equal(
                data.result._meta['io.modelcontextprotocol/subscriptionId'],
                index,
                'the answer to the listen request',
            );
        });
        own.check_log();
    });

    test('waits for a call that streams, and for nothing else', async () => {
        const own = await new Gateway(cluster, { loops: 2 }).start();
        const session = await Session.open(own, keys.service);
        const idle = await session.stream();
        const call = await session.stream_call('tools/call', {
            name: 'query_table',
            arguments: { table: 'five_seconds' },
            _meta: { progressToken: 1 },
        });
        await call.message('notifications/progress');
        own.process.signal('SIGTERM');
        await idle.ended(2_000);
        const { data } = await call.event('the result', (event) => event.data.result !== undefined);
        assert.deepEqual(JSON.parse(data.result.content[0].text), [{ state: 'done' }]);
        await call.ended();
        assert.equal(await own.process.wait(5_000), 0);
        own.check_log();
    });
});

test('a thousand streams that come and go leave nothing behind', async (t) => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
    t.after(() => agent.destroy());
    const round = async () => {
        const sessions = await Promise.all(
            Array.from({ length: 100 }, () => Session.open(gateway, keys.alice, { agent })),
        );
        const streams = await Promise.all(sessions.map((session) => session.stream()));
        for (const stream of streams) {
            assert.equal(stream.status, 200);
            stream.close();
        }
    };
    await round();
    const fds = gateway.stats.fds;
    for (let i = 0; i < 10; i += 1) await round();
    await eventually('their descriptors are back', () => gateway.stats.fds <= fds + 8);
    const session = await Session.open(gateway, keys.alice);
    const stream = await session.stream();
    t.after(() => stream.close());
    await again(stream, list_changed, create_table);
});
