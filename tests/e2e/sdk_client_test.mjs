// The official TypeScript clients against the product: SDK 1.x, and client 2.x as it comes (legacy handshake).
// Both validate structuredContent against outputSchema themselves; Ajv looks again here.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import * as split from '@modelcontextprotocol/client';
import { Client as SdkClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as SdkTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import add_formats from 'ajv-formats';

import { credential, people, start_stack } from './harness.mjs';

const stack = await start_stack();
after(() => stack.stop());

const clients = {
    'SDK 1.x': { Client: SdkClient, Transport: SdkTransport },
    'client 2.x': { Client: split.Client, Transport: split.StreamableHTTPClientTransport },
};

async function connected(t, { Client, Transport }, key) {
    const client = new Client({ name: 'fluxgate-e2e', version: '1.0.0' });
    const transport = new Transport(new URL(stack.gateway.url), {
        requestInit: { headers: credential(key) },
    });
    await client.connect(transport);
    t.after(() => client.close());
    return client;
}

const timeout = 15_000; // of a request; the clients' own is a minute
const query = async (client, args) => {
    const call = { name: 'query_table', arguments: args };
    // The two libraries differ in where the options stand.
    return client instanceof SdkClient
        ? client.callTool(call, undefined, { timeout })
        : client.callTool(call, { timeout });
};
const rows_of = (result) => JSON.parse(result.content[0].text);

for (const [name, library] of Object.entries(clients)) {
    describe(name, () => {
        for (const who of ['service', 'alice', 'bob']) {
            test(`connects with the key of ${who}, lists tools and queries`, async (t) => {
                const client = await connected(t, library, stack.keys[who]);
                assert.match(client.getServerVersion().name, /fluxgate/i);
                assert.ok(client.getServerCapabilities().tools);
                const { tools } = await client.listTools();
                const tool = tools.find((entry) => entry.name === 'query_table');
                assert.ok(tool, `no query_table in ${tools.map((entry) => entry.name)}`);
                assert.equal(tool.annotations?.readOnlyHint, true);
                const result = await query(client, {
                    table: 'products',
                    select: 'sku,price',
                    order: 'id.asc',
                    limit: 3,
                });
                assert.ok(!result.isError, result.content[0].text);
                assert.deepEqual(
                    rows_of(result).map((row) => row.sku),
                    ['SKU-0001', 'SKU-0002', 'SKU-0003'],
                );
            });
        }

        test('two users see their own rows only, and a service key sees all', async (t) => {
            const truth = async (where) =>
                (await stack.cluster.query(`SELECT id FROM public.users WHERE ${where} ORDER BY id`)).flat();
            const seen = async (key) => {
                const client = await connected(t, library, key);
                return rows_of(await query(client, { table: 'users', order: 'id.asc', limit: 1000 }));
            };
            for (const who of ['alice', 'bob']) {
                const rows = await seen(stack.keys[who]);
                assert.ok(rows.length > 10);
                for (const row of rows) assert.equal(row.organization, people[who].organization);
                assert.deepEqual(
                    rows.map((row) => row.id),
                    await truth(`organization = '${people[who].organization}'`),
                );
            }
            assert.deepEqual(
                (await seen(stack.keys.service)).map((row) => row.id),
                await truth('true'),
            );
        });

        test('structuredContent fits outputSchema and says what the text says', async (t) => {
            const client = await connected(t, library, stack.keys.alice);
            const { tools } = await client.listTools();
            const { inputSchema, outputSchema } = tools.find((entry) => entry.name === 'query_table');
            const ajv = add_formats.default(new Ajv2020({ strict: false, allErrors: true }));
            assert.ok(ajv.validateSchema(inputSchema), JSON.stringify(ajv.errors));
            assert.ok(outputSchema, 'query_table has no outputSchema');
            const validate = ajv.compile(outputSchema);
            const calls = [
                { table: 'customers', limit: 5 },
                { table: 'documents', select: 'id,embedding', limit: 2 },
                { table: 'orders', select: 'status,count(*),sum(total)' },
                { table: 'customers', filter: { id: 'eq.-1' } },
            ];
            for (const args of calls) {
                const result = await query(client, args);
                assert.ok(!result.isError, `${JSON.stringify(args)}: ${result.content[0].text}`);
                assert.ok(validate(result.structuredContent), JSON.stringify(validate.errors));
                assert.deepEqual(
                    Object.values(result.structuredContent).find(Array.isArray),
                    rows_of(result),
                );
            }
        });

        test('a mistake of the model is a result that says what would be right', async (t) => {
            const client = await connected(t, library, stack.keys.alice);
            const result = await query(client, { table: 'users', select: 'id,emial' });
            assert.equal(result.isError, true);
            assert.match(result.content[0].text, /emial/);
            assert.match(result.content[0].text, /email/);
        });

        test('a tool that does not exist is a protocol error', async (t) => {
            const client = await connected(t, library, stack.keys.alice);
            await assert.rejects(client.callTool({ name: 'no_such_tool', arguments: {} }), /no_such_tool/);
        });

        test('a hundred calls at once are each answered with their own rows', async (t) => {
            const client = await connected(t, library, stack.keys.service);
            await client.listTools();
            const skus = await Promise.all(
                Array.from({ length: 100 }, async (_, index) => {
                    const result = await query(client, {
                        table: 'products',
                        select: 'id',
                        filter: { id: `eq.${index + 1}` },
                    });
                    return rows_of(result)[0].id;
                }),
            );
            assert.deepEqual(
                skus,
                Array.from({ length: 100 }, (_, index) => index + 1),
            );
        });

        test('a wrong key does not connect', async () => {
            const { Client, Transport } = library;
            const client = new Client({ name: 'fluxgate-e2e', version: '1.0.0' });
            const wrong = `fbk_${Buffer.alloc(32, 7).toString('base64url')}=`;
            await assert.rejects(
                client.connect(
                    new Transport(new URL(stack.gateway.url), {
                        requestInit: { headers: credential(wrong) },
                    }),
                ),
            );
        });
    });
}
