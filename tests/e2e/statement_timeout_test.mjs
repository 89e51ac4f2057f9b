// gateway.database.statement_timeout bounds a call, whatever the database would allow.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';

import { Gateway, query_table, start_stack } from './harness.mjs';

const stack = await start_stack({ loops: 1 });
after(() => stack.stop());
const { cluster, keys } = stack;

test('a call over a view that sleeps ends at the configured time, and says so', async () => {
    await cluster.query(
        `CREATE VIEW public.sleepy AS SELECT 1 AS id FROM pg_sleep(20);
         GRANT SELECT ON public.sleepy TO authenticated, service_role`,
    );
    const impatient = new Gateway(cluster, {
        loops: 1,
        env: { FLUXBASE_GATEWAY_DATABASE_STATEMENT_TIMEOUT: '600ms' },
    });
    await impatient.start();
    try {
        const { result, text } = await query_table(impatient, keys.alice, { table: 'sleepy' });
        assert.equal(result.isError, true, text);
        assert.match(text, /timed out after 600 ms/);
        const { rows } = await query_table(impatient, keys.alice, { table: 'products', limit: 1 });
        assert.equal(rows.length, 1, 'the next call is served');
    } finally {
        await impatient.stop();
    }
});
