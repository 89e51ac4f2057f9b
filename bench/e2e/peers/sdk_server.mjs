// A server as people write it with the official TypeScript SDK: express, stateless Streamable HTTP, pg's pool,
// the same two statements under RLS in a transaction.
import express from 'express';
import pg from 'pg';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 16 });
const claims = JSON.stringify({ role: 'authenticated', sub: 'a11ce000-0000-4000-8000-000000000001' });

async function notes() {
    const client = await pool.connect();
    try {
        await client.query('BEGIN');
        await client.query('SET LOCAL ROLE authenticated');
        await client.query({ name: 'claims', text: "SELECT set_config('request.jwt.claims', $1, true)", values: [claims] });
        const { rows } = await client.query({
            name: 'notes', text: 'SELECT id, title, n, created_at FROM public.notes ORDER BY id LIMIT $1', values: [10] });
        await client.query('COMMIT');
        return rows;
    } catch (error) {
        await client.query('ROLLBACK');
        throw error;
    } finally {
        client.release();
    }
}

function createServer() {
    const server = new McpServer({ name: 'sdk-peer', version: '1.0.0' });
    server.registerTool('notes', { description: 'Ten notes of alice.' }, async () => ({
        content: [{ type: 'text', text: JSON.stringify(await notes()) }] }));
    return server;
}

const app = express();
app.use(express.json());
app.post('/mcp', async (request, response) => {
    const server = createServer();
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    response.on('close', () => {
        transport.close();
        server.close();
    });
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
});
app.listen(Number(process.env.PORT), '127.0.0.1');
