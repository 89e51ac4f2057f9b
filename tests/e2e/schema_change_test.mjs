// The schema changes under a running gateway: new things work at once, changed ones are told clearly.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';

import { Gateway, eventually, query_table, start_stack } from './harness.mjs';

const stack = await start_stack({ loops: 2 });
after(() => stack.stop());
const { cluster, gateway, keys } = stack;
const announced = { timeout_ms: 1_000, interval_ms: 20 }; // DDL comes by NOTIFY

const grant = (table) => `GRANT SELECT ON public.${table} TO authenticated, service_role`;
const query = (args, who = gateway) => query_table(who, keys.alice, args);
// On every loop: each call is a connection of its own.
const several = async (args) => Promise.all(Array.from({ length: 8 }, () => query(args)));

test('a new table is queryable at once', async () => {
    for (let i = 0; i < 5; i += 1) {
        await cluster.query(`CREATE TABLE public.fresh_${i} AS SELECT ${i} AS id; ${grant(`fresh_${i}`)}`);
        for (const { rows, text } of await several({ table: `fresh_${i}` }))
            assert.deepEqual(rows, [{ id: i }], text);
    }
});

test('a new column is known at once by its name, and soon to *', async () => {
    await cluster.query(`CREATE TABLE public.grows AS SELECT 1 AS id; ${grant('grows')}`);
    await several({ table: 'grows' });
    await cluster.query(`ALTER TABLE public.grows ADD COLUMN colour text DEFAULT 'red'`);
    for (const { rows, text } of await several({ table: 'grows', select: 'colour' }))
        assert.deepEqual(rows, [{ colour: 'red' }], text);
    await eventually(
        '* has it',
        async () => (await several({ table: 'grows' })).every(({ rows }) => rows?.[0].colour === 'red'),
        announced,
    );
});

test('a renamed column is a clear error that names the new one', async () => {
    await cluster.query(`CREATE TABLE public.renames AS SELECT 1 AS id, 'a' AS surname; ${grant('renames')}`);
    await several({ table: 'renames', select: 'surname' });
    await cluster.query('ALTER TABLE public.renames RENAME COLUMN surname TO surnames');
    for (const { result, text } of await several({ table: 'renames', select: 'surname' })) {
        assert.equal(result.isError, true, text);
        assert.match(text, /unknown column/);
    }
    await eventually(
        'the error names what is near',
        async () =>
            /surnames/.test(
                (await query({ table: 'renames', select: 'surname' })).text.replace('"surname"', ''),
            ),
        announced,
    );
    for (const { rows, text } of await several({ table: 'renames', select: 'surnames' }))
        assert.deepEqual(rows, [{ surnames: 'a' }], text);
});

test('a column that changes its type does not break prepared statements', async () => {
    await cluster.query(`CREATE TABLE public.retypes AS SELECT 1 AS id, 5 AS size; ${grant('retypes')}`);
    for (let i = 0; i < 20; i += 1)
        await several({ table: 'retypes', select: 'size', filter: { id: 'eq.1' } });
    await cluster.query(`ALTER TABLE public.retypes ALTER COLUMN size TYPE text USING 'five'`);
    for (const { rows, text } of await several({ table: 'retypes', select: 'size', filter: { id: 'eq.1' } }))
        assert.deepEqual(rows, [{ size: 'five' }], text);
});

test('a dropped table is not found, and one made again in its place is', async () => {
    await cluster.query(`CREATE TABLE public.comes AS SELECT 1 AS id; ${grant('comes')}`);
    await several({ table: 'comes' });
    await cluster.query('DROP TABLE public.comes');
    for (const { result, text } of await several({ table: 'comes' })) {
        assert.equal(result.isError, true, text);
        assert.match(text, /not found/);
    }
    await cluster.query(`CREATE TABLE public.comes AS SELECT 'x' AS name; ${grant('comes')}`);
    for (const { rows, text } of await several({ table: 'comes' }))
        assert.deepEqual(rows, [{ name: 'x' }], text);
});

test('a table of another schema', async () => {
    await cluster.query(`CREATE SCHEMA reports; CREATE TABLE reports.daily AS SELECT 7 AS id;
        GRANT USAGE ON SCHEMA reports TO authenticated; GRANT SELECT ON reports.daily TO authenticated`);
    for (const { rows, text } of await several({ table: 'reports.daily' }))
        assert.deepEqual(rows, [{ id: 7 }], text);
});

test('a right taken away is "permission denied", without SQL or a hint', async () => {
    await cluster.query(`CREATE TABLE public.private AS SELECT 1 AS id; ${grant('private')}`);
    await several({ table: 'private' });
    await cluster.query('REVOKE SELECT ON public.private FROM authenticated');
    for (const { result, text } of await several({ table: 'private' })) {
        assert.equal(result.isError, true);
        assert.match(text, /permission denied/);
        assert.doesNotMatch(text, /SELECT|HINT|DETAIL|fluxgate_/i);
    }
});

test('names that need quotes', async () => {
    await cluster.query(`CREATE TABLE public."Odd ""Name"", é" AS SELECT 1 AS "A b", 2 AS "select";
        GRANT SELECT ON public."Odd ""Name"", é" TO authenticated`);
    for (const { rows, text } of await several({ table: 'Odd "Name", é' }))
        assert.deepEqual(rows, [{ 'A b': 1, select: 2 }], text);
});

describe('without the event trigger', () => {
    test('a change is seen by the timer', async () => {
        const other = new Gateway(cluster, {
            loops: 2,
            config: { gateway: { database: { schema_refresh: '1s' } } },
        });
        await cluster.query(`CREATE TABLE public.unannounced AS SELECT 1 AS id; ${grant('unannounced')}`);
        const triggers = (await cluster.query('SELECT quote_ident(evtname) FROM pg_event_trigger')).flat();
        for (const name of triggers) await cluster.query(`ALTER EVENT TRIGGER ${name} DISABLE`);
        await other.start();
        try {
            assert.deepEqual((await query({ table: 'unannounced' }, other)).rows, [{ id: 1 }]);
            await cluster.query('ALTER TABLE public.unannounced ADD COLUMN late int DEFAULT 2');
            await eventually(
                '* has the new column',
                async () => (await query({ table: 'unannounced' }, other)).rows?.[0].late === 2,
                { timeout_ms: 4_000, interval_ms: 100 },
            );
        } finally {
            for (const name of triggers) await cluster.query(`ALTER EVENT TRIGGER ${name} ENABLE`);
            await other.stop();
        }
    });
});
