// The clients that people have, in every way that they connect, against the product.
//
// The two SDKs are the clients of most programs; mcp-remote is what desktop programs without HTTP start; the
// Inspector's command line is what somebody debugs with.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { after, describe, test } from 'node:test';

import * as split from '@modelcontextprotocol/client';
import { Client as SdkClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as SdkTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ResourceListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

import { credential, eventually, make_directory, run, start_stack } from '../e2e/harness.mjs';
import { here, node } from './runner.mjs';

const stack = await start_stack();
after(() => stack.stop());
const { cluster, gateway, keys } = stack;
const home = make_directory(); // mcp-remote and the Inspector keep things in ~

const identity = { name: 'fluxgate-conformance', version: '1.0.0' };
const revisions = { legacy: '2025-11-25', modern: '2026-07-28' };
const all_tables = 'fluxbase://schema/tables';
const one_table = 'fluxbase://schema/tables/{schema}/{table}';

// A transport, and whether its stream for what the server says unasked is open.
function http_transport(Transport, key) {
    const seen = { streams: 0 };
    const transport = new Transport(new URL(gateway.url), {
        requestInit: { headers: credential(key) },
        fetch: async (url, init) => {
            const answer = await fetch(url, init);
            if (init?.method === 'GET' && answer.ok) seen.streams += 1;
            return answer;
        },
    });
    return { transport, seen };
}

const sdk_2 = (mode) => ({
    make: () =>
        new split.Client(identity, mode === undefined ? {} : { versionNegotiation: { mode } }),
    Transport: split.StreamableHTTPClientTransport,
    on_resources_changed: (client, told) =>
        client.setNotificationHandler('notifications/resources/list_changed', told),
});

const ways = {
    'SDK 1.x': {
        make: () => new SdkClient(identity),
        Transport: SdkTransport,
        on_resources_changed: (client, told) =>
            client.setNotificationHandler(ResourceListChangedNotificationSchema, told),
        revision: revisions.legacy,
    },
    'client 2.x as it comes': { ...sdk_2(), revision: revisions.legacy },
    'client 2.x, auto': { ...sdk_2('auto'), revision: revisions.modern },
    'client 2.x, pinned': { ...sdk_2({ pin: revisions.modern }), revision: revisions.modern },
};

async function connected(t, way, key) {
    const client = way.make();
    const { transport, seen } = http_transport(way.Transport, key);
    await client.connect(transport);
    t.after(() => client.close());
    return { client, transport, seen };
}

const rows_of = (result) => JSON.parse(result.content[0].text);
const products = {
    name: 'query_table',
    arguments: { table: 'products', select: 'sku', order: 'id.asc', limit: 2 },
};
const first_skus = [{ sku: 'SKU-0001' }, { sku: 'SKU-0002' }];

// Every list and every reading method of a client; the two libraries spell them alike.
async function use_everything(client) {
    const { tools } = await client.listTools();
    assert.ok(
        tools.some(({ name }) => name === 'query_table'),
        JSON.stringify(tools),
    );
    const result = await client.callTool(products);
    assert.ok(!result.isError, JSON.stringify(result.content));
    assert.deepEqual(rows_of(result), first_skus);

    const { resources } = await client.listResources();
    assert.ok(
        resources.some(({ uri }) => uri === all_tables),
        JSON.stringify(resources),
    );
    const { resourceTemplates: templates } = await client.listResourceTemplates();
    assert.ok(
        templates.some(({ uriTemplate }) => uriTemplate === one_table),
        JSON.stringify(templates),
    );
    const { contents } = await client.readResource({ uri: all_tables });
    assert.match(contents[0].text, /products/);
    await assert.rejects(client.readResource({ uri: 'fluxbase://schema/tables/public/no_such_table' }));

    const { prompts } = await client.listPrompts();
    assert.ok(prompts.length > 0);
    for (const { name, arguments: wanted = [] } of prompts) {
        const given = { schema: 'public', threshold_ms: '50', owner_column: '' };
        const filled = Object.fromEntries(wanted.map(({ name: of }) => [of, given[of] ?? 'products']));
        const { messages } = await client.getPrompt({ name, arguments: filled });
        assert.ok(messages.length > 0, name);
    }
    await assert.rejects(client.getPrompt({ name: 'no_such_prompt' }));

    const { completion } = await client.complete({
        ref: { type: 'ref/resource', uri: one_table },
        argument: { name: 'table', value: 'prod' },
        context: { arguments: { schema: 'public' } },
    });
    assert.ok(completion.values.includes('products'), JSON.stringify(completion));
}

let tables_made = 0;
// Creates a table that everybody may read; resolves to its name.
async function create_table() {
    tables_made += 1;
    const name = `announced_${tables_made}`;
    await cluster.query(
        `CREATE TABLE public.${name} (id int); GRANT SELECT ON public.${name} TO authenticated, service_role`,
    );
    return name;
}

for (const [name, way] of Object.entries(ways)) {
    describe(name, () => {
        for (const who of ['service', 'alice']) {
            test(`uses all that the server offers with the key of ${who}`, async (t) => {
                const { client, transport } = await connected(t, way, keys[who]);
                const negotiated =
                    client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion;
                assert.equal(negotiated, way.revision);
                assert.match(client.getServerVersion().name, /fluxgate/i);
                await use_everything(client);
            });
        }

        test('hears that a table was created', async (t) => {
            const { client, seen } = await connected(t, way, keys.service);
            let told = 0;
            way.on_resources_changed(client, () => {
                told += 1;
            });
            if (way.revision === revisions.modern) {
                const subscription = await client.listen({ resourcesListChanged: true });
                assert.equal(subscription.honoredFilter.resourcesListChanged, true);
                t.after(() => subscription.close());
            } else {
                await eventually('the GET stream is open', () => seen.streams > 0);
            }
            const before = told;
            const created = await create_table();
            const start = performance.now();
            await eventually('the client is told', () => told > before, { timeout_ms: 20_000 });
            t.diagnostic(`told after ${Math.round(performance.now() - start)} ms`);
            const { contents } = await client.readResource({ uri: all_tables });
            assert.match(contents[0].text, new RegExp(created));
        });

        test('does not connect with a wrong key', async () => {
            const client = way.make();
            const wrong = `fbk_${Buffer.alloc(32, 7).toString('base64url')}=`;
            await assert.rejects(client.connect(http_transport(way.Transport, wrong).transport));
        });
    });
}

describe('mcp-remote', () => {
    for (const who of ['service', 'alice']) {
        test(`is a server on stdio, with the key of ${who}`, async (t) => {
            const [[field, key]] = Object.entries(credential(keys[who]));
            const client = new SdkClient(identity);
            const transport = new StdioClientTransport({
                command: node,
                args: [
                    path.join(here, 'node_modules/mcp-remote/dist/proxy.js'),
                    gateway.url,
                    '--header',
                    `${field}: ${key}`,
                    '--transport',
                    'http-only',
                ],
                env: { HOME: home, PATH: process.env.PATH, MCP_REMOTE_CONFIG_DIR: home },
                stderr: 'ignore',
            });
            await client.connect(transport);
            t.after(() => client.close());
            await use_everything(client);
        });
    }
});

describe('the Inspector', () => {
    const program = path.join(
        here,
        'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
    );
    const inspect = (target, ...words) =>
        run(node, [program, '--cli', ...target, '--stored-auth-only', '--format', 'json', ...words], {
            env: { HOME: home },
        });
    // How it is told where the server is: by words, and by a file, which alone can name the era.
    const by_words = (key) => {
        const [[field, value]] = Object.entries(credential(key));
        return [gateway.url, '--transport', 'http', '--header', `${field}: ${value}`];
    };
    const by_file = (key, era) => {
        const file = path.join(home, `inspector-${era}.json`);
        const server = {
            type: 'streamable-http',
            url: gateway.url,
            headers: credential(key),
            protocolEra: era,
        };
        fs.writeFileSync(file, JSON.stringify({ mcpServers: { fluxgate: server } }));
        return ['--config', file, '--server', 'fluxgate'];
    };

    const targets = {
        'told by its command line': by_words(keys.service),
        'of the stateless era': by_file(keys.service, 'modern'),
    };
    for (const [name, target] of Object.entries(targets)) {
        test(`${name} lists, calls and reads`, async () => {
            const ask = async (...words) => {
                const { code, stdout, stderr } = await inspect(target, '--method', ...words);
                assert.equal(code, 0, `${words}: ${stdout}${stderr}`);
                return stdout;
            };
            assert.match(await ask('tools/list'), /query_table/);
            const called = await ask(
                ...['tools/call', '--tool-name', 'query_table'],
                ...['--tool-arg', 'table=products', 'select=sku', 'order=id.asc', 'limit=2'],
            );
            assert.match(called, /SKU-0001/);
            assert.match(await ask('resources/list'), /fluxbase:\/\/schema\/tables/);
            assert.match(await ask('resources/templates/list'), /\{schema\}/);
            assert.match(await ask('resources/read', '--uri', all_tables), /products/);
            assert.match(await ask('prompts/list'), /"name"/);
        });
    }

    test('tells a failed call, and a wrong key, by its exit code', async () => {
        const target = by_words(keys.service);
        const failed = await inspect(
            target,
            ...['--method', 'tools/call', '--tool-name', 'query_table', '--tool-arg', 'table=no_such_table'],
        );
        assert.equal(failed.code, 5, failed.stderr);
        const wrong = `fbk_${Buffer.alloc(32, 7).toString('base64url')}=`;
        const refused = await inspect(by_words(wrong), '--method', 'tools/list');
        assert.equal(refused.code, 3, refused.stderr);
    });
});
