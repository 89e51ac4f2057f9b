// A client process to be killed: opens connections, brings each into a phase of a request, says "ready" and
// stays. Arguments: port, phase, count, key, first source address's last byte.
import { RawConnection, call_body, post_bytes } from './http.mjs';

const [port, phase, count, key, local_address] = process.argv.slice(2);
const target = { port: Number(port) };
const call = (table) =>
    post_bytes(target, key, call_body('tools/call', { name: 'query_table', arguments: { table } }));

const phases = {
    connected: async () => {},
    head: (connection) => connection.write(call('products').subarray(0, 60)),
    body: (connection) => connection.write(call('products').subarray(0, -20)),
    waiting: (connection) => connection.write(call('one_second')),
    reading: async (connection) => {
        await connection.write(call('megabytes'));
        await connection.until(() => connection.received.length > 0);
        connection.socket.pause();
    },
    between: async (connection) => {
        await connection.write(call('products'));
        await connection.response();
    },
    flood: async (connection) => {
        connection.socket.pause();
        const bytes = call('products');
        // Until the kernel's buffers are full on both sides.
        for (let i = 0; i < 2000 && connection.socket.writableLength < 65_536; i += 1)
            connection.socket.write(bytes);
    },
};

await Promise.all(
    Array.from({ length: Number(count) }, async () =>
        phases[phase](await RawConnection.open(target, { local_address })),
    ),
);
console.log('ready');
setInterval(() => {}, 60_000);
