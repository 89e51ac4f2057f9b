// A reverse proxy on loopback that adds header fields to every request: the suite can send no key of its own.
//
// Everything else passes as it came, Host and Origin too; streams flow, and whichever side goes away takes the
// other with it.
import http from 'node:http';

export function start_proxy(target_port, fields) {
    const server = http.createServer((incoming, outgoing) => {
        const upstream = http.request(
            {
                host: '127.0.0.1',
                port: target_port,
                method: incoming.method,
                path: incoming.url,
                headers: [...incoming.rawHeaders, ...Object.entries(fields).flat()],
                setHost: false,
            },
            (answer) => {
                outgoing.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
                outgoing.flushHeaders();
                answer.on('error', () => outgoing.destroy());
                answer.pipe(outgoing);
            },
        );
        upstream.on('error', () => {
            if (outgoing.headersSent) outgoing.destroy();
            else outgoing.writeHead(502).end();
        });
        outgoing.on('close', () => upstream.destroy());
        incoming.pipe(upstream);
    });
    return new Promise((resolve, reject) => {
        server.on('error', reject);
        server.listen(0, '127.0.0.1', () =>
            resolve({
                port: server.address().port,
                get url() {
                    return `http://127.0.0.1:${this.port}/mcp`;
                },
                stop() {
                    server.close();
                    server.closeAllConnections();
                },
            }),
        );
    });
}
