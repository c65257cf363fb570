/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pkcs11-java.sh runs: TLS whose key and certificates come from a PKCS #11 token.
 *
 * usage: java pkcs11_tls.java server|client CONFIG PIN TRUST-STORE PORT
 * The server greets clients that have a certificate by their name; the client prints what a server says.
 */
import java.io.FileInputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.security.KeyStore;
import java.security.Security;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

class Pkcs11Tls {
    static SSLContext context(String config, String pin, String trustStore) throws Exception {
        var provider = Security.getProvider("SunPKCS11").configure(config);
        Security.addProvider(provider);
        var keys = KeyStore.getInstance("PKCS11", provider);
        keys.load(null, pin.toCharArray());
        var keyManagers = KeyManagerFactory.getInstance("PKIX");
        keyManagers.init(keys, null);
        var trusted = KeyStore.getInstance("PKCS12");
        try (InputStream file = new FileInputStream(trustStore)) {
            trusted.load(file, "changeit".toCharArray());
        }
        var trustManagers = TrustManagerFactory.getInstance("PKIX");
        trustManagers.init(trusted);
        var context = SSLContext.getInstance("TLS");
        context.init(keyManagers.getKeyManagers(), trustManagers.getTrustManagers(), null);
        return context;
    }

    static void serve(SSLContext context, int port) throws Exception {
        var listener = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(port, 50, InetAddress.getLoopbackAddress());
        listener.setNeedClientAuth(true);
        while (true) {
            try (var peer = (SSLSocket) listener.accept()) {
                peer.startHandshake();
                peer.getInputStream().read(new byte[4096]);
                var text = "HTTP/1.0 200 OK\r\n\r\nhello " + peer.getSession().getPeerPrincipal().getName() + "\n";
                peer.getOutputStream().write(text.getBytes());
            } catch (Exception e) {
                System.err.println(e);
            }
        }
    }

    static void ask(SSLContext context, int port) throws Exception {
        try (var peer = (SSLSocket) context.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), port)) {
            peer.getOutputStream().write("GET / HTTP/1.0\r\n\r\n".getBytes());
            System.out.print(new String(peer.getInputStream().readAllBytes()));
        }
    }

    public static void main(String[] args) throws Exception {
        var context = context(args[1], args[2], args[3]);
        var port = Integer.parseInt(args[4]);
        if (args[0].equals("server")) {
            serve(context, port);
        } else {
            ask(context, port);
        }
    }
}
