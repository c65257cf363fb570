// SPDX-License-Identifier: Apache-2.0
// What Node does with key references; node-tls.sh starts it. Files NAME.pem (bundle), NAME.crt and NAME.key are in the
// current directory.
// usage: node_tls.js CA NAME OTHER   an HTTPS server NAME, and clients that are OTHER
//        node_tls.js --load FILE     a context with this bundle: the error, or "loaded"
'use strict';
const fs = require('fs');
const https = require('https');
const tls = require('tls');

function load(file) {
    try {
        tls.createSecureContext({ key: fs.readFileSync(file), cert: fs.readFileSync(file) });
        console.log('loaded');
    } catch (error) {
        console.log(error.message);
    }
}

// Resolves to the answer: the protocol, and whom the server sees.
function ask(options) {
    return new Promise((resolve, reject) => {
        https.get(options, (response) => {
            let body = '';
            response.on('data', (part) => { body += part; });
            response.on('end', () => resolve(body));
        }).on('error', reject);
    });
}

async function talk(ca, name, other) {
    const bundle = fs.readFileSync(`${name}.pem`);
    const trust = fs.readFileSync(ca);
    const server = https.createServer({ key: bundle, cert: bundle, ca: trust, requestCert: true }, (request, response) => {
        response.end(`${request.socket.getProtocol()} ${request.socket.getPeerCertificate().subject.CN}`);
    });
    await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
    const common = { host: '127.0.0.1', port: server.address().port, servername: name, ca: trust, agent: false };
    const both = fs.readFileSync(`${other}.pem`);
    const apart = { key: fs.readFileSync(`${other}.key`), cert: fs.readFileSync(`${other}.crt`) };
    console.log(await ask({ ...common, key: both, cert: both }));
    console.log(await ask({ ...common, ...apart, maxVersion: 'TLSv1.2' }));
    const renewed = fs.readFileSync(`${other}.pem`);
    server.setSecureContext({ key: renewed, cert: renewed, ca: trust });
    console.log(await ask({ ...common, ...apart, servername: other }));
    server.close();
}

if (process.argv[2] === '--load') {
    load(process.argv[3]);
} else {
    talk(...process.argv.slice(2)).catch((error) => {
        console.error(error);
        process.exit(1);
    });
}
