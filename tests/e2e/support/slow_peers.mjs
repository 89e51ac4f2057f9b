// A process of many slow peers: each sends a byte of a header field now and then, and never the end of it.
// Arguments: port, count, first two bytes of the source addresses ("127.4"). Says "connected N", and "ended N"
// when the server has closed all of them.
import net from 'node:net';

const [port, count, prefix] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const peers_per_address = 200; // below connections_per_address_max
const opening_at_once = 100;
const trickle_ms = 3_000; // a byte of one peer

const sockets = [];
let ended = 0;
let refused = 0;

function open(index) {
    return new Promise((resolve) => {
        const address = Math.floor(index / peers_per_address);
        const socket = net.connect({
            host: '127.0.0.1',
            port,
            localAddress: `${prefix}.${Math.floor(address / 250)}.${1 + (address % 250)}`,
        });
        socket.on('connect', () => {
            socket.write('POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
            sockets.push(socket);
            resolve();
        });
        socket.on('error', () => {
            refused += 1;
            resolve();
        });
        socket.on('close', () => (ended += 1));
        socket.resume();
    });
}

let next = 0;
await Promise.all(
    Array.from({ length: opening_at_once }, async () => {
        while (next < count) await open(next++);
    }),
);
console.log(`connected ${sockets.length}`);

let turn = 0;
const step = Math.ceil(count / (trickle_ms / 50));
const timer = setInterval(() => {
    for (let i = 0; i < step; i += 1) {
        const socket = sockets[(turn += 1) % sockets.length];
        if (socket.writable) socket.write('x');
    }
    if (ended >= sockets.length + refused) {
        console.log(`ended ${ended}`);
        clearInterval(timer);
    }
}, 50);
